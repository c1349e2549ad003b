import { Argument, type Command } from "commander";

const help = `
Examples:
  source <(iovisor completion bash)                                 # in ~/.bashrc
  iovisor completion zsh > "\${fpath[1]}/_iovisor"                   # then start zsh anew`;

export function configure(command: Command): void {
  command
    .addArgument(new Argument("<shell>", "your shell").choices(["bash", "zsh"]))
    .addHelpText("after", help)
    .action(async (shell: "bash" | "zsh") => {
      const { completionScript } = await import("../completion/script.ts");
      process.stdout.write(await completionScript(shell));
    });
}
