import { Instance, InstanceCounters, Instances } from "../../api/instances.ts";
import { heldInstances } from "../../engine/inspect/held.ts";
import { describeHeld, describeInstance, listInstances } from "../../engine/inspect/instances.ts";
import { instanceNamed } from "../context.ts";
import { type Resource, route } from "./resource.ts";

/** The instances of the live graph. */
export const instances: Resource = (app, context) => {
  const { visor, counters } = context;

  app.get("/v1/instances", { schema: route({ summary: "Instances", answer: Instances }) }, async () => {
    return { instances: listInstances(visor, counters) };
  });

  app.get<{ Params: { name: string } }>(
    "/v1/instances/:name",
    { schema: route({ summary: "An instance: configuration, ports, counters, tables", answer: Instance }) },
    async ({ params: { name } }) => {
      const held = heldInstances(visor).get(name);
      return held
        ? describeHeld(visor, held, counters)
        : describeInstance(visor, instanceNamed(context, name), counters);
    },
  );

  app.get<{ Params: { name: string } }>(
    "/v1/instances/:name/counters",
    { schema: route({ summary: "Counters of an instance's ports and drop reasons", answer: InstanceCounters }) },
    async ({ params: { name } }) => {
      return counters.of(heldInstances(visor).get(name) ?? instanceNamed(context, name));
    },
  );
};
