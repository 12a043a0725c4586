import { isDeepStrictEqual } from "node:util";
import { MeshError } from "../platform/errors.ts";
import type { PodWish } from "./pod-objects.ts";
import type { PodState } from "./state.ts";

/**
 * Sees that a pod that is there is the one that is wished for: what it is known by was read when it started.
 * @throws MeshError `pod-there`
 */
export function requireSamePod(present: PodState, wish: Pick<PodWish, "namespace" | "owner" | "annotations">): void {
  const parts = ["namespace", "owner", "annotations"] as const;
  const differing = parts.filter((part) => !isDeepStrictEqual(present[part], wish[part]));
  if (differing.length === 0) return;
  const place = `${present.cluster}/${present.name}`;
  const message = `${place} is there already, and differs in its ${differing.join(" and ")}; trestle lab pod remove ${place} first`;
  throw new MeshError("pod-there", message, { retry: false });
}
