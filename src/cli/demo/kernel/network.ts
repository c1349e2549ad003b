import { VirtualNetwork } from "../../../kernel/virtual-network.ts";

export const clientAddress = "10.66.0.1";
export const serverAddress = "10.66.0.2";
export const serverDevice = "wire1";

/** Two hosts joined by a wire; the function under show is attached at the server's end. */
export function twoHosts(): VirtualNetwork {
  return new VirtualNetwork({
    wires: [
      [
        { host: "client", device: "wire0", addresses: [`${clientAddress}/24`] },
        { host: "server", device: serverDevice, addresses: [`${serverAddress}/24`] },
      ],
    ],
  });
}

/** An address as maps have it: a number in host order. */
export function addressNumber(text: string): number {
  return text.split(".").reduce((number, part) => number * 256 + Number(part), 0);
}

/** The inverse of `addressNumber`. */
export function addressText(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join(".");
}
