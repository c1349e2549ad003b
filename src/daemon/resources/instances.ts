import { Instance, InstanceCounters, Instances } from "../../api/instances.ts";
import { describeInstance, listInstances } from "../../engine/inspect/instances.ts";
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
    async (request) => describeInstance(visor, instanceNamed(context, request.params.name), counters),
  );

  app.get<{ Params: { name: string } }>(
    "/v1/instances/:name/counters",
    { schema: route({ summary: "Counters of an instance's ports and drop reasons", answer: InstanceCounters }) },
    async (request) => counters.of(instanceNamed(context, request.params.name)),
  );
};
