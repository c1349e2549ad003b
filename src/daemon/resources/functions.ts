import { FunctionDescription, Functions } from "../../api/functions.ts";
import type { FunctionDescription as Description } from "../../engine/catalogue/description.ts";
import type { DaemonContext } from "../context.ts";
import { notFound } from "../problems.ts";
import { type Resource, route } from "./resource.ts";

/** The catalogue: built-in functions, and those that the live graph uses. */
export const functions: Resource = (app, context) => {
  app.get("/v1/functions", { schema: route({ summary: "Functions", answer: Functions }) }, async () => {
    const { visor } = context;
    const kinds = new Set([...visor.catalogue.builtIn, ...visor.functions.keys()]);
    const instances = Object.values(visor.graph.functions);
    const described = await Promise.all([...kinds].map((kind) => describe(context, kind)));
    return {
      functions: described.map(({ kind, title, description }) => {
        return { kind, title, description, instances: instances.filter((one) => one.kind === kind).length };
      }),
    };
  });

  app.get<{ Params: { "*": string } }>(
    "/v1/functions/*",
    { schema: route({ summary: "A function with the schema of its configuration", answer: FunctionDescription }) },
    async (request) => {
      const { checkConfig: _, ...description } = await describe(context, request.params["*"]);
      return description;
    },
  );
};

/** Built-in functions and those of the graph only: to look at others would mean to load what anybody names. */
async function describe({ visor }: DaemonContext, kind: string): Promise<Description> {
  const live = visor.functions.get(kind);
  if (live) return live.description;
  if (visor.catalogue.builtIn.includes(kind)) return (await visor.catalogue.load(kind, "/")).description;
  throw notFound(`function "${kind}"`, "`iovisor get functions` lists them");
}
