/**
 * Applies one graph after the other until it is killed: `node child.ts FOLDER NAME NETNS [TRANSACTION]`. With
 * "teardown" instead of a transaction it takes the graph off the machine.
 */
import { applyNumber, numberOf, openVisor, type Scene } from "./scene.ts";

const [folder = "", name = "", netns = "", dying] = process.argv.slice(2);
const scene: Scene = { folder, name, netns };
await using open = await openVisor(scene, dying === undefined || dying === "teardown" ? undefined : Number(dying));
const { visor } = open;
process.stdout.write("open\n");
if (dying === "teardown") {
  process.stdout.write("begin teardown\n");
  await visor.teardown();
  process.stdout.write("done teardown\n");
  // Whoever watches kills it, or was too late.
  await new Promise((resolve) => setTimeout(resolve, 10_000));
}
for (let number = numberOf(visor) + 1; ; number++) {
  process.stdout.write(`begin ${number}\n`);
  await applyNumber(visor, number, scene);
  process.stdout.write(`done ${number}\n`);
}
