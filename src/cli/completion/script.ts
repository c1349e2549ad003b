import type { Command, Option } from "commander";
import { type Hook, hooks } from "../../language/kinds.ts";
import { makeProgram } from "../program.ts";

/** A completion script, made of the commands' own declarations. */
export async function completionScript(shell: "bash" | "zsh"): Promise<string> {
  const program = await makeProgram([], true);
  return shell === "bash" ? bash(program) : zsh(program);
}

/** Words that may follow an option, where they are known. */
function choicesOf(option: Option): readonly string[] {
  if (option.argChoices) return option.argChoices;
  switch (option.attributeName()) {
    case "attach":
      return Object.values<Hook>(hooks)
        .filter(({ name, unattached }) => name !== "tracepoint" && name !== "tp_btf" && !unattached)
        .map(({ name }) => `${name}:`);
    case "hook":
      return Object.keys(hooks);
    default:
      return [];
  }
}

function flagsOf(option: Option): readonly string[] {
  return [option.short, option.long].filter((flag) => flag !== undefined && flag !== null);
}

interface Completed {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly Option[];
  /** Words that may stand at each place, where they are known. */
  readonly places: readonly (readonly string[])[];
}

/** Commands by name with their options; `help` has none. */
function tree(program: Command): readonly Completed[] {
  const shown = program.createHelp();
  return program.commands.map((command) => ({
    name: command.name(),
    summary: command.summary(),
    options: shown.visibleOptions(command),
    places: command.registeredArguments.map((argument) => argument.argChoices ?? []),
  }));
}

/** The cases of bash for words at a place: the command is at place 1. */
function bashPlaces({ name, places }: Completed): readonly string[] {
  return places.flatMap((words, index) => {
    if (words.length === 0) return [];
    return [`    ${name},${index + 2}) COMPREPLY=($(compgen -W "${words.join(" ")}" -- "$word")); return ;;`];
  });
}

function bash(program: Command): string {
  const commands = tree(program);
  const values = commands.flatMap(({ name, options }) =>
    options.flatMap((option) => {
      const choices = choicesOf(option);
      if (choices.length === 0) return [];
      const patterns = flagsOf(option).map((flag) => `${name},${flag}`);
      return [`    ${patterns.join("|")}) COMPREPLY=($(compgen -W "${choices.join(" ")}" -- "$word")); return ;;`];
    }),
  );
  const flags = commands.map(({ name, options }) => {
    return `    ${name}) COMPREPLY=($(compgen -W "${options.flatMap(flagsOf).join(" ")}" -- "$word")) ;;`;
  });
  return `# bash completion of iovisor: source <(iovisor completion bash)
_iovisor() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}"
  COMPREPLY=()
  if [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")} help" -- "$word"))
    return
  fi
  case "$command,$before" in
    *,-n|*,--netns) COMPREPLY=($(compgen -W "$(ls /run/netns 2>/dev/null)" -- "$word")); return ;;
${values.join("\n")}
  esac
  [[ $word == -* ]] || case "$command,$COMP_CWORD" in
${commands.flatMap(bashPlaces).join("\n")}
  esac
  [[ $word == -* ]] || { COMPREPLY=($(compgen -f -- "$word")); return; }
  case "$command" in
${flags.join("\n")}
  esac
}
complete -o filenames -F _iovisor iovisor ./iovisor
`;
}

function zsh(program: Command): string {
  const commands = tree(program);
  const summaries = commands.map(({ name, summary }) => `    '${name}:${quoted(summary)}'`);
  const cases = commands.map(({ name, options, places }) => {
    const words = places.flatMap((choices, index) => {
      return choices.length > 0 ? [`        '${index + 1}:word:(${choices.join(" ")})'`] : [];
    });
    const lines = [...options.map((option) => `        ${zshOption(option)}`), ...words, "        '*:file:_files'"];
    return `      ${name}) _arguments -s \\\n${lines.join(" \\\n")} ;;`;
  });
  return `#compdef iovisor
# zsh completion of iovisor: put it into a folder of $fpath as _iovisor
_iovisor() {
  local -a commands=(
${summaries.join("\n")}
  )
  local state
  _arguments -C '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands ;;
    argument) case $words[1] in
${cases.join("\n")}
      esac ;;
  esac
}
_iovisor "$@"
`;
}

function zshOption(option: Option): string {
  const flags = flagsOf(option);
  const names = flags.length > 1 ? `{${flags.join(",")}}` : (flags[0] ?? "");
  const choices = choicesOf(option).map((word) => word.replaceAll(":", "\\:"));
  const value = !option.required ? "" : choices.length > 0 ? `:value:(${choices.join(" ")})` : ":value:_files";
  const repeat = ["set", "attach", "port", "unset"].includes(option.attributeName()) ? "'*'" : "";
  return `${repeat}${names}'[${quoted(option.description)}]${value}'`;
}

function quoted(text: string): string {
  return text.replaceAll("'", "'\\''").replace(/[[\]:]/g, "\\$&");
}
