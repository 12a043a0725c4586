/**
 * Every subject of the mesh. `mesh.<name>.…` is what crosses from one account to the other; the name is a member's, or a
 * join token's for `join`. It is always the second token: permissions are cut by it.
 */

/** The mailbox: a KV bucket `view` in the HUB account, which KV clients know as the stream `KV_view`. */
export const VIEW_STREAM = "KV_view";
export const VIEW_SUBJECTS = "$KV.view.>";

/** The head of a member's mailbox: the one key of it that changes. */
export function headSubject(member: string): string {
  return `$KV.view.v.${member}.head`;
}

/** One immutable page; `digest` is the SHA-256 of its bytes, base64url. */
export function pageSubject(member: string, digest: string): string {
  return `$KV.view.v.${member}.pg.${digest}`;
}

/** Everything in one member's mailbox. */
export function mailboxSubjects(member: string): string {
  return `$KV.view.v.${member}.>`;
}

/** What is stored in the mailbox is sent on at once, without its `$KV.view.v`: `mesh.<member>.dn.head`, `mesh.<member>.dn.pg.<digest>`. */
export const REPUBLISH = { src: "$KV.view.v.*.>", dest: "mesh.{{wildcard(1)}}.dn.>" } as const;

/** Where a member hears of changes in its mailbox. */
export function downSubjects(member: string): string {
  return `mesh.${member}.dn.>`;
}

/** Asks for the last message stored under `subject`; any replica of the stream answers (NATS ADR-31). */
export function directGetSubject(subject: string): string {
  return `$JS.API.DIRECT.GET.${VIEW_STREAM}.${subject}`;
}

/** Where one gateway of a member reports. */
export function upSubject(member: string, gateway: string): string {
  return `mesh.${member}.up.${gateway}`;
}

/** Where the bearer of a join token redeems it. */
export function joinSubject(tokenID: string): string {
  return `mesh.${tokenID}.join`;
}

/** Where a member asks for a new credential. */
export function renewSubject(member: string): string {
  return `mesh.${member}.renew`;
}

/** Where a member says that it leaves. */
export function leaveSubject(member: string): string {
  return `mesh.${member}.leave`;
}

/** What a credential of the MEMBERS account may be for. */
export type MemberRole = "member" | "join" | "renew";

/**
 * First words of reply subjects: a user may listen to its own alone. The role stands in a token of its own, or a token
 * named like a member would read that member's answers.
 */
export function inboxPrefix(role: MemberRole, name: string): string {
  return `_INBOX.${role}.${name}`;
}

/** `mesh.<name>.<kind>[.<rest>]` taken apart; undefined for any other subject. */
export function parseMeshSubject(
  subject: string,
): { readonly name: string; readonly kind: string; readonly rest: string } | undefined {
  const [root, name, kind, ...rest] = subject.split(".");
  return root === "mesh" && name !== undefined && kind !== undefined ? { name, kind, rest: rest.join(".") } : undefined;
}
