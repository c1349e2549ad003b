/** Applies one graph after the other until it is killed: `node child.ts FOLDER NAME NETNS [TRANSACTION]`. */
import { applyNumber, numberOf, openVisor, type Scene } from "./scene.ts";

const [folder = "", name = "", netns = "", dying] = process.argv.slice(2);
const scene: Scene = { folder, name, netns };
await using open = await openVisor(scene, dying === undefined ? undefined : Number(dying));
const { visor } = open;
process.stdout.write("open\n");
for (let number = numberOf(visor) + 1; ; number++) {
  process.stdout.write(`begin ${number}\n`);
  await applyNumber(visor, number, scene);
  process.stdout.write(`done ${number}\n`);
}
