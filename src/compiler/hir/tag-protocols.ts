/** EtherTypes of VLAN tags: those of customers (IEEE 802.1Q) and of providers (802.1ad). */
export const tagProtocols = { customer: 0x8100, service: 0x88a8 } as const;

export function isTagProtocol(type: number): boolean {
  return type === tagProtocols.customer || type === tagProtocols.service;
}
