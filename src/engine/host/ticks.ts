export { kernelTicks, type Ticks, ticksPerSecond } from "../../kernel/ticks.ts";
