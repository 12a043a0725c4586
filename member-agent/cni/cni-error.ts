/**
 * Error codes of the CNI specification ("Error": well-known ones below 100, a plugin's own from there).
 * https://www.cni.dev/docs/spec/#error
 */
export const CNI_CODES = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  unknownContainer: 3,
  badEnvironment: 4,
  ioFailure: 5,
  undecodable: 6,
  badConfiguration: 7,
  tryAgainLater: 11,
  /** Of STATUS: no ADD can be served. */
  notAvailable: 50,
  /** Of STATUS: no ADD can be served, and pods that run may be cut off. */
  notAvailableNorConnected: 51,
  /** Ours: what was asked can't be, and waiting won't help; the message says what stands in the way. */
  refused: 100,
  /** Ours: no address is left to give; one that is freed, or a Subnet that is added, mends it. */
  exhausted: 101,
  /** Ours: the address that was asked for is another pod's, or a machine's on the LAN. */
  addressTaken: 102,
  /** Ours, of CHECK: what ADD made is not whole any more. */
  broken: 103,
} as const;

/** What a call failed with, as the runtime is told it; `details` is for the person who reads the runtime's log. */
export class CNIError extends Error {
  readonly code: number;
  readonly details: string;

  constructor(code: number, message: string, details = "") {
    super(message);
    this.name = "CNIError";
    this.code = code;
    this.details = details;
  }
}
