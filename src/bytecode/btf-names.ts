/** KSYM_NAME_LEN is 128 before kernel 6.1, with the final NUL; a longer name fails the whole blob. */
const longestName = 127;

/**
 * A name that the kernel accepts for a BTF type, member, function or variable (btf_name_valid_identifier() in
 * kernel/bpf/btf.c: ASCII letters, digits and `_`, no digit first). Any other character becomes `_U<hex>_` (`$` is
 * `_U24_`), so that different names stay different; names over 127 characters are cut and end in a hash. The empty name
 * (anonymous) stays empty.
 */
export function mangle(name: string): string {
  const spelt = name
    // A literal "_U24_" gives up its first underscore, or two names could meet.
    .replace(/_(?=U[0-9a-f]+_)/g, "_U5f_")
    .replace(/[^A-Za-z0-9_]|^[0-9]/gu, (character) => `_U${character.codePointAt(0)!.toString(16)}_`);
  if (spelt.length <= longestName) return spelt;
  const suffix = `_h${hash(spelt).toString(16).padStart(8, "0")}`;
  return spelt.slice(0, longestName - suffix.length) + suffix;
}

/** FNV-1a, 32 bits, over UTF-16 units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}
