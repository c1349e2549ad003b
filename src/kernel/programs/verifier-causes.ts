/** What the verifier's terse reasons mean (messages of kernel/bpf/verifier.c), for those that programs really meet. */

interface Cause {
  readonly message: RegExp;
  readonly meaning: string;
}

/** The limits of BPF_COMPLEXITY_LIMIT_INSNS and BPF_COMPLEXITY_LIMIT_JMP_SEQ. */
export const tooMuchToWalk = /BPF program is too large|too many instructions|The sequence of \d+ jumps is too complex/;

const causes: readonly Cause[] = [
  {
    message: /invalid access to packet|outside of the packet/,
    meaning: "packet bytes are read or written without a check on this path that the packet is that long",
  },
  {
    message:
      /invalid access to map value|invalid access to memory|invalid mem access to|min value is outside of the allowed memory range|max value is outside of the allowed memory range/,
    meaning: "an access can fall outside of the value that it starts from",
  },
  {
    message: /invalid mem access '(map_value_or_null|\w*_or_null)'/,
    meaning: "a reference that may be absent is used without a check that it is there",
  },
  {
    message: /invalid mem access 'scalar'|invalid mem access 'inv'/,
    meaning: "a plain number is used as a memory address",
  },
  { message: /!read_ok/, meaning: "a register or variable is read before it has a value on every path" },
  {
    message: /invalid (indirect )?(read from|access to) stack|invalid read from stack/,
    meaning: "stack memory is read that was not written on every path, or lies outside of the function's frame",
  },
  { message: /invalid write to stack|invalid stack/, meaning: "stack memory outside of the function's frame is used" },
  {
    message: /combined stack size of|stack frames is \d+/,
    meaning: "the frames of a chain of calls need more than 512 bytes of stack",
  },
  {
    message: /unbounded (min|memory)|unbounded memory access|value is negative, either use unsigned|R\d+ unbounded/,
    meaning: "an offset or a size has no proven upper bound",
  },
  {
    message:
      /math between .* pointer and register with unbounded|pointer arithmetic .* prohibited|pointer arithmetic with|bitwise operator .* on pointer/,
    meaning: "arithmetic on a pointer that the verifier does not permit, or by an amount without proven bounds",
  },
  {
    message: /invalid bpf_context access/,
    meaning: "this program kind cannot read or write that field of its context",
  },
  { message: /back-edge from insn|infinite loop detected/, meaning: "a loop has no proven end" },
  {
    message: tooMuchToWalk,
    meaning: "over all paths the program is too long for the verifier (1,000,000 instructions, 8,192 pending branches)",
  },
  { message: /unreachable insn/, meaning: "no path leads to an instruction" },
  {
    message: /unknown func|invalid func|program of this type cannot use helper/,
    meaning: "this program kind may not call that helper, or the kernel does not have it",
  },
  {
    message: /calling kernel function .* is not allowed|kernel function .* is not allowed/,
    meaning: "this program kind may not call that kernel function",
  },
  {
    message: /cannot call GPL-restricted function|cannot call GPL only function/,
    meaning: "the helper asks for a license that is compatible with the GPL",
  },
  {
    message:
      /At program exit the register R0|In program .* R0 .* should have been|has value \(.*\) should have been in/,
    meaning: "the program can return a value that its hook does not accept",
  },
  { message: /R0 leaks addr as return value|leaks addr/, meaning: "a kernel address would get out of the program" },
  { message: /misaligned (packet|stack|value|context|\w+) access/, meaning: "an access is not aligned to its size" },
  { message: /expected=/, meaning: "a helper is given an argument of the wrong kind" },
  {
    message:
      /jump out of range|last insn is not an exit or jmp|invalid BPF_|unknown opcode|uses reserved fields|invalid insn|R\d+ is invalid/,
    meaning: "the bytecode is malformed, or uses instructions that this kernel does not have",
  },
  {
    message:
      /Unreleased reference|reference .* (leak|has not been)|BPF_EXIT instruction in .* would lead to reference leak/,
    meaning: "a kernel object that was acquired is not released on every path",
  },
  {
    message: /bpf_spin_lock|spin lock|lock held|holding a lock/,
    meaning: "a spin lock is held too long, twice, or not released on every path",
  },
  {
    message: /tail_calls? (is|are) not allowed|tail_call_reachable|cannot do bpf_tail_call|tail_call/,
    meaning: "a tail call where the kernel does not permit it",
  },
  {
    message:
      /map_type .* (is not|not) (supported|allowed)|cannot pass map_type|doesn't support map|not compatible with map/,
    meaning: "this map type cannot be used here",
  },
  { message: /is not pointing to valid bpf_map/, meaning: "a map that the program refers to is not open" },
  {
    message: /missing btf|invalid btf|btf_id|func_info|line_info|BTF is needed/i,
    meaning: "type information that belongs to the program is missing or does not fit it",
  },
  { message: /sleepable/, meaning: "sleepable and non-sleepable code are mixed in a way the kernel does not permit" },
  { message: /div(ision)? by zero/, meaning: "a division by a constant zero" },
];

/** The cause of a refusal in words; undefined for a message that the table does not know. */
export function causeInWords(message: string): string | undefined {
  return causes.find((cause) => cause.message.test(message))?.meaning;
}
