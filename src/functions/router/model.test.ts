/** The router against its model, a slice: `npm run fuzz -- --kind router` goes on where it ends. */
import { routerModule, runRouterCase } from "../../../fuzz/functions/router.ts";
import { testSlice } from "../../../fuzz/functions/slice.ts";

testSlice({
  name: "the router",
  cases: [
    { seed: 1, hook: "xdp" },
    { seed: 2, hook: "tcx" },
  ],
  run: async (chosen, witnesses) =>
    runRouterCase({ ...chosen, frames: 250, changes: 0 }, await routerModule(), witnesses),
  wanted: ["forward", "resolve", "resolved", "ttlExceeded", "noRoute", "tooBig", "absorbed", "badChecksum"],
});
