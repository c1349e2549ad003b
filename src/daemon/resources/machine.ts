import { Devices, Health } from "../../api/machine.ts";
import { openObject } from "../../api/schema.ts";
import { listDevices } from "../../engine/inspect/devices.ts";
import { healthOf } from "../health.ts";
import { metricsText } from "../metrics.ts";
import { type Resource, route } from "./resource.ts";

/** The daemon and the machine that it is on. */
export const machine: Resource = (app, context) => {
  const { visor, name, version } = context;

  app.get("/v1/devices", { schema: route({ summary: "Network devices", answer: Devices }) }, async () => {
    return { devices: listDevices(visor) };
  });

  app.get("/v1/health", { schema: route({ summary: "That the daemon is at work", answer: Health }) }, async () => {
    const revision = visor.revision?.number ?? 0;
    const generation = visor.running.dataPath.generation.value;
    return { ...healthOf(visor), name, version, revision, generation, seconds: process.uptime() };
  });

  const media = "text/plain; version=0.0.4";
  app.get("/metrics", { schema: route({ summary: "Metrics for Prometheus", media }) }, async (_request, reply) => {
    return reply.type(`${media}; charset=utf-8`).send(metricsText(visor, context.counters, context.times));
  });

  const openapi = route({ summary: "This description: OpenAPI 3.1", answer: openObject("OpenAPI 3.1") });
  app.get("/v1/openapi.json", { schema: openapi }, async (_request, reply) => {
    return reply.type("application/json; charset=utf-8").send(JSON.stringify(app.swagger()));
  });
};
