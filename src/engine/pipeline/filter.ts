import { etherTypes, type FilterAddress, type PacketFilter, protocols, type Side } from "../../capture/filter.ts";
import * as build from "../../compiler/hir/build.ts";
import type { Layout } from "../../compiler/hir/layout.ts";
import type { Expression, Statement } from "../../compiler/hir/tree.ts";
import { numberType, optionalType } from "../../compiler/hir/types.ts";
import type { Composer } from "./compose.ts";

const u8 = build.integer(8);
const be16 = build.integer(16, "big");
const be32 = build.integer(32, "big");
const words = (length: number): Layout => ({ kind: "array", element: be32, length });

const TypeField = build.struct("TypeField", { type: be16 });
const Tag = build.struct("Tag", { control: be16, type: be16 });
const Ip4 = build.struct("Ip4", {
  versionAndLength: u8,
  service: u8,
  totalLength: be16,
  identification: be16,
  fragment: be16,
  ttl: u8,
  protocol: u8,
  checksum: be16,
  source: words(1),
  destination: words(1),
});
const Ip6 = build.struct("Ip6", {
  head: be32,
  payloadLength: be16,
  protocol: u8,
  hopLimit: u8,
  source: words(4),
  destination: words(4),
});
const Ports = build.struct("Ports", { source: be16, destination: be16 });

/** 802.1Q and 802.1ad: types of tags. */
const tagTypes = [0x8100, 0x88a8];
const typeOffset = 12;
const tagBytes = 4;
const portProtocols = [protocols.tcp, protocols.udp, protocols.sctp];

/** Statements that set a variable to whether the packet fits a filter. */
export function filterPacket(
  composer: Composer,
  filter: PacketFilter,
): { readonly statements: readonly Statement[]; readonly matches: number } {
  const matches = composer.variable("matches", build.bool(false));
  const label = composer.label();
  const writer = new FilterWriter(composer, filter, label);
  const body = [...writer.body(), build.assign(matches.local, build.bool(true))];
  return { statements: [matches.statement, build.block(label, body)], matches: matches.local };
}

/** Each test leaves the block where it fails. */
class FilterWriter {
  readonly #composer: Composer;
  readonly #filter: PacketFilter;
  readonly #label: number;

  constructor(composer: Composer, filter: PacketFilter, label: number) {
    this.#composer = composer;
    this.#filter = filter;
    this.#label = label;
  }

  body(): readonly Statement[] {
    const { vlan, etherType, addresses, protocol, ports } = this.#filter;
    const network = addresses.length > 0 || protocol !== undefined || ports.length > 0;
    if (vlan === undefined && etherType === undefined && !network) return [];
    const first = this.#view("type field", build.number(typeOffset), TypeField);
    const type = this.#composer.variable("type", first.field("type"), "u16");
    const start = this.#composer.variable("network", build.number(typeOffset + 2), "u16");
    const tagged = this.#composer.variable("tag", build.number(0xffff), "u16");
    const is = (value: number): Expression =>
      build.compare("equal", this.#composer.use(type.local), build.number(value));
    return [
      ...first.statements,
      type.statement,
      start.statement,
      tagged.statement,
      ...this.#tagBeside(tagged.local),
      ...this.#tags({ type: type.local, start: start.local, tag: tagged.local }),
      ...(vlan === undefined ? [] : this.#vlan(vlan, tagged.local)),
      ...(etherType === undefined ? [] : [this.#must(is(etherType))]),
      ...(network ? this.#network(is, start.local) : []),
    ];
  }

  /** At skb hooks the outermost tag is no part of the frame. */
  #tagBeside(tag: number): readonly Statement[] {
    if (this.#composer.pipeline.hook === "xdp") return [];
    const beside = this.#composer.variable("beside", build.operation("packet.vlanTag", [], optionalType(numberType)));
    const use = this.#composer.use(beside.local);
    return [beside.statement, build.when(build.present(use), [build.assign(tag, this.#vlanOf(build.unwrap(use)))])];
  }

  /** Goes over up to two tags, one of which may stand beside the frame; the outermost one is the packet's VLAN. */
  #tags(known: { readonly type: number; readonly start: number; readonly tag: number }): readonly Statement[] {
    const use = (local: number): Expression => this.#composer.use(local);
    const one = (inner: readonly Statement[], offset: number): readonly Statement[] => {
      const tag = this.#view("tag header", build.number(offset), Tag);
      const isTag = tagTypes
        .map((type) => build.compare("equal", use(known.type), build.number(type)))
        .reduce((left, right) => build.oneOf(left, right));
      const first = build.compare("equal", use(known.tag), build.number(0xffff));
      return [
        build.when(isTag, [
          ...tag.statements,
          build.when(first, [build.assign(known.tag, this.#vlanOf(tag.field("control")))]),
          build.assign(known.type, tag.field("type")),
          build.assign(known.start, build.number(offset + tagBytes)),
          ...inner,
        ]),
      ];
    };
    const second = one([], typeOffset + 2 + tagBytes);
    const beside = build.operation("packet.vlanTag", [], optionalType(numberType));
    const isSecond = this.#composer.variable("first beside", build.present(beside));
    const within = [build.when(build.not(use(isSecond.local)), second)];
    return [isSecond.statement, ...one(within, typeOffset + 2)];
  }

  #vlanOf(control: Expression): Expression {
    return build.binary("and", control, build.number(0xfff));
  }

  #vlan(wanted: number | "any", tag: number): readonly Statement[] {
    const use = this.#composer.use(tag);
    if (wanted === "any") return [this.#must(build.compare("notEqual", use, build.number(0xffff)))];
    return [this.#must(build.compare("equal", use, build.number(wanted)))];
  }

  /** What is asked of IP, in either version unless the filter says which. */
  #network(is: (type: number) => Expression, start: number): readonly Statement[] {
    const { etherType } = this.#filter;
    const ip4 = build.when(is(etherTypes.ip), this.#ip(Ip4, start));
    const ip6 = build.when(is(etherTypes.ip6), this.#ip(Ip6, start));
    if (etherType === etherTypes.ip) return [ip4];
    if (etherType === etherTypes.ip6) return [ip6];
    return [this.#must(build.oneOf(is(etherTypes.ip), is(etherTypes.ip6))), ip4, ip6];
  }

  #ip(layout: Layout, start: number): readonly Statement[] {
    const { addresses, protocol, ports } = this.#filter;
    const header = this.#view("ip", this.#composer.use(start), layout);
    const next = this.#composer.variable("protocol", header.field("protocol"), "u8");
    const isNext = (value: number): Expression =>
      build.compare("equal", this.#composer.use(next.local), build.number(value));
    return [
      ...header.statements,
      next.statement,
      ...addresses.map((address) => this.#must(this.#address(header.ref, address))),
      ...(protocol === undefined ? [] : [this.#must(isNext(protocol))]),
      ...(ports.length === 0 ? [] : this.#transport(layout, header, start, isNext)),
    ];
  }

  #address(header: Expression, { side, bytes, prefix }: FilterAddress): Expression {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const equal = (field: string): Expression => {
      const tests = Array.from({ length: bytes.length / 4 }, (_, index) => {
        const bits = Math.min(32, Math.max(0, prefix - index * 32));
        if (bits === 0) return undefined;
        const mask = Number((0xffff_ffff_0000_0000n >> BigInt(bits)) & 0xffff_ffffn);
        const word = build.load(build.element(build.field(header, field), build.number(index)));
        const part = bits === 32 ? word : build.binary("and", word, build.number(mask));
        return build.compare("equal", part, build.number(view.getUint32(index * 4)));
      }).filter((test) => test !== undefined);
      return tests.reduce((left, right) => build.both(left, right), build.bool(true));
    };
    return this.#either(side, equal);
  }

  #either(side: Side, test: (field: "source" | "destination") => Expression): Expression {
    return side === "either" ? build.oneOf(test("source"), test("destination")) : test(side);
  }

  /** Ports stand behind the IP header, in IPv6 only where no extension headers are, and not in later fragments. */
  #transport(
    layout: Layout,
    header: View,
    start: number,
    isNext: (protocol: number) => Expression,
  ): readonly Statement[] {
    const known = portProtocols.map(isNext).reduce((left, right) => build.oneOf(left, right));
    const first = layout === Ip4 ? [this.#must(this.#firstFragment(header))] : [];
    const words = build.binary("and", header.field(layout === Ip4 ? "versionAndLength" : "hopLimit"), build.number(15));
    const length = layout === Ip4 ? build.binary("multiply", words, build.number(4)) : build.number(40);
    const place = this.#composer.variable("transport", build.add(this.#composer.use(start), length), "u16");
    const view = this.#view("ports", this.#composer.use(place.local), Ports);
    const tests = this.#filter.ports.map(({ side, port }) =>
      this.#must(this.#either(side, (field) => build.compare("equal", view.field(field), build.number(port)))),
    );
    return [this.#must(known), ...first, place.statement, ...view.statements, ...tests];
  }

  #firstFragment(header: View): Expression {
    const offset = build.binary("and", header.field("fragment"), build.number(0x1fff));
    return build.compare("equal", offset, build.number(0));
  }

  #must(test: Expression): Statement {
    return build.when(build.not(test), [build.leave(this.#label)]);
  }

  #view(name: string, offset: Expression, layout: Layout): View {
    const found = this.#composer.variable(name, build.packetAt(offset, layout));
    const use = this.#composer.use(found.local);
    const ref = build.unwrap(use);
    return {
      statements: [found.statement, this.#must(build.present(use))],
      ref,
      field: (field) => build.load(build.field(ref, field)),
    };
  }
}

/** A header that is known to be there after `statements`. */
interface View {
  readonly statements: readonly Statement[];
  readonly ref: Expression;
  field(name: string): Expression;
}
