import { Pipelines } from "../../api/machine.ts";
import { listPipelines, pipelineForms, pipelineText } from "../../engine/inspect/pipelines.ts";
import { refusalOf } from "../../engine/visor/recovery.ts";
import { notFound } from "../problems.ts";
import { type Resource, route } from "./resource.ts";

/** The programs that functions became. */
export const pipelines: Resource = (app, { visor }) => {
  app.get("/v1/pipelines", { schema: route({ summary: "Pipelines", answer: Pipelines }) }, async () => {
    return { pipelines: listPipelines(visor) };
  });

  const media = "text/plain";
  for (const form of pipelineForms) {
    app.get<{ Params: { key: string } }>(
      `/v1/pipelines/:key/${form}`,
      { schema: route({ summary: `A pipeline's ${form}`, media }) },
      async (request, reply) => {
        const text = pipelineText(visor, request.params.key, form);
        if (text === undefined) {
          if (visor.degraded) throw refusalOf(visor.degraded);
          throw notFound(`pipeline "${request.params.key}"`, "`iovisor get pipelines` lists them");
        }
        return reply.type(`${media}; charset=utf-8`).send(text);
      },
    );
  }
};
