/** What a key held before us, and what we may have left in it: it goes back only while it holds one of these. */
export interface FormerValue {
  readonly former: string;
  /** Written by us, or made by the kernel of what we wrote elsewhere. More than one only while a change is under way. */
  readonly ours: readonly string[];
}
/** By key. */
export type FormerValues = Readonly<Record<string, FormerValue>>;

/** Former values, kept in the caller's state folder. Losing it loses only the way back. */
export interface SysctlMemory {
  load(): Promise<FormerValues>;
  save(values: FormerValues): Promise<void>;
}
