import { credentialKind } from "../../crds/credential.ts";
import { gatewayKind } from "../../crds/gateway.ts";
import type { Report } from "../../crds/wire/report.ts";
import type { CredentialSpec, Gateway, Revision } from "../../mesh/resources.ts";
import type { ViewFault } from "../../mesh/view-faults.ts";
import type { Clock } from "../../platform/clock.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import type { Pins } from "../../platform/mailbox/head.ts";
import type { Run } from "../../platform/run.ts";
import type { StateFolder } from "../../platform/state-folder.ts";
import { deleteIfThere } from "../../platform/store/amend.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import type { ConnectNats } from "../member/connect.ts";
import { SINGLETON_NAME } from "../../mesh/names.ts";
import type { OwnGateway } from "../situation.ts";
import { forgetWireGuardKey, openWireGuardKey } from "./key.ts";
import { forgetLastView, isBelieved, pinsOf, readLastView, ViewReader } from "./mail.ts";
import type { Mail } from "./mail.ts";
import { GatewayPaths } from "./paths.ts";
import { announceGateway, claimGateway, gatewaysToTell } from "./registration.ts";
import type { KnownGateways } from "./registration.ts";
import type { Lookup } from "./resolve.ts";
import { runSession } from "./session.ts";

export interface GatewayRoleParts {
  readonly node: string;
  /** Addresses and names that other clusters' gateways dial now; none: it can't be dialled. */
  readonly endpoints: () => readonly string[];
  /** Its packets arrive from other addresses or ports than it sends them from. */
  readonly behindNAT: boolean;
  /** First UDP port of WireGuard. */
  readonly basePort: number;
  readonly run: Run;
  readonly folder: StateFolder;
  readonly connect: ConnectNats;
  readonly clock: Clock;
  readonly log: Log;
  /** Looks other gateways' names up. */
  readonly lookup: Lookup;
  /** Told when a newer view was accepted. */
  readonly onMail: () => void;
  /** Told when the same view leads to something else: a link's kind moved on, a gateway has another address. */
  readonly onMove: () => void;
  /** Told when what this gateway has to say of itself is another. */
  readonly onNews: () => void;
}

const CREDENTIAL_FILE = "credential.json";

/** A talk with the hub that goes on. */
interface Session {
  readonly credential: CredentialSpec;
  readonly stop: () => void;
  readonly done: Promise<void>;
}

/** What an agent does beyond a node's work where it is a gateway: a rank of its own, the mailbox, reports. */
export class GatewayRole {
  readonly #parts: GatewayRoleParts;
  /** What it hears of its paths to others. */
  readonly paths: GatewayPaths;
  readonly #views = new ViewReader();
  #mail: Mail | undefined;
  #own: OwnGateway | undefined;
  #publicKey: string | undefined;
  #applied: Revision | undefined;
  #session: Session | undefined;
  #news = Promise.withResolvers<void>();

  constructor(parts: GatewayRoleParts) {
    this.#parts = parts;
    const onNews = (): void => this.#tell();
    const faults = (): readonly ViewFault[] => this.#mail?.faults ?? [];
    this.paths = new GatewayPaths({ ...parts, dialable: () => parts.endpoints().length > 0, faults, onNews });
  }

  /** The last view that was believed. */
  get mail(): Mail | undefined {
    return this.#mail;
  }

  /** This gateway's rank, port and key, once they are known. */
  get own(): OwnGateway | undefined {
    return this.#own;
  }

  /** Takes up what is on disk: a gateway that reboots while hub and store are down works on its last good view. */
  async recall(gateways: readonly Gateway[]): Promise<void> {
    const { folder, node } = this.#parts;
    await this.paths.recall();
    const credential = await folder.read(CREDENTIAL_FILE, credentialKind.schema.spec);
    if (credential !== undefined) await this.#recallView(pinsOf(credential));
    const rank = gateways.find(({ spec }) => spec.node === node)?.spec.rank;
    if (rank !== undefined) await this.#takeRank(rank);
  }

  /** Claims a rank unless this node has one, and says in the store how to dial it, what it carries out and what it hears. */
  async register(store: ResourceStore): Promise<void> {
    const { node, endpoints, behindNAT, basePort } = this.#parts;
    const gateway = await claimGateway(store, node);
    const publicKey = await this.#takeRank(gateway.spec.rank);
    const heard = { peers: this.paths.pairs, ...(this.#applied && { appliedRevision: this.#applied }) };
    await announceGateway(store, gateway, { publicKey, endpoints: endpoints(), behindNAT, basePort, ...heard });
  }

  /**
   * Talks with the hub as the member that the store's credential speaks for; a new credential is a new talk. Of one that
   * failed nothing is left, so that the next call begins it anew.
   */
  async connect(store: ResourceStore, known: () => KnownGateways): Promise<void> {
    const credential = (await store.get(credentialKind, SINGLETON_NAME))?.spec;
    if (credential?.userJWT === undefined) return;
    const present = this.#session;
    if (present?.credential.userJWT === credential.userJWT && present.credential.hubKey === credential.hubKey) return;
    await this.disconnect();
    const { folder } = this.#parts;
    // The hub sends no second time what was accepted already.
    await this.#recallView(pinsOf(credential));
    if (this.#mail !== undefined) this.#parts.onMail();
    await folder.write(CREDENTIAL_FILE, credential);
    this.#session = this.#begin(credential, known);
  }

  #begin(credential: CredentialSpec, known: () => KnownGateways): Session {
    const end = new AbortController();
    const stop = (): void => end.abort();
    const talk = runSession(
      {
        ...this.#parts,
        credential,
        views: this.#views,
        onMail: (mail) => this.#take(mail),
        report: () => this.#report(known()),
        news: () => this.#news.promise,
      },
      end.signal,
    ).catch((error: unknown) => {
      if (!end.signal.aborted) this.#parts.log.error({ event: "session-failed", error }, messageOf(error));
    });
    const done = talk.then(() => {
      stop();
      if (this.#session === session) this.#session = undefined;
    });
    const session = { credential, stop, done };
    return session;
  }

  /** Ends the talk with the hub. */
  async disconnect(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    session?.stop();
    await session?.done;
  }

  /** The hub should hear at once what there is to report. */
  tellHub(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers<void>();
  }

  /** The kernel holds what this revision says. */
  applied(revision: Revision | undefined): void {
    if (revision?.generation === this.#applied?.generation && revision?.epoch === this.#applied?.epoch) return;
    this.#applied = revision;
    this.#tell();
  }

  /** Listens to its paths until `signal` aborts. */
  async listen(signal: AbortSignal): Promise<void> {
    await this.paths.run(() => this.#mail?.view, signal);
  }

  /** Gives the rank back and forgets keys, credential and view: the member leaves. */
  async leave(store: ResourceStore): Promise<void> {
    const { folder, node } = this.#parts;
    await this.disconnect();
    for (const gateway of (await store.list(gatewayKind)).filter(({ spec }) => spec.node === node)) {
      // The key first: cut short in between, the Gateway still tells which one there was to forget.
      await forgetWireGuardKey(folder, gateway.spec.rank);
      await deleteIfThere(store, gatewayKind, gateway.metadata.name);
    }
    await folder.remove(CREDENTIAL_FILE);
    await this.#forgetMail();
    await this.paths.forget();
    this.#own = undefined;
    this.#publicKey = undefined;
    this.#applied = undefined;
  }

  /** @returns the public key of that rank */
  async #takeRank(rank: number): Promise<string> {
    const { folder, run, basePort, behindNAT } = this.#parts;
    if (this.#own?.rank !== rank || this.#publicKey === undefined) {
      const { privateKey, publicKey } = await openWireGuardKey(folder, run, rank);
      this.#own = { rank, basePort, privateKey, behindNAT };
      this.#publicKey = publicKey;
    }
    return this.#publicKey;
  }

  /** Takes up the last accepted view, unless it is of another mesh: what was accepted there says nothing here. */
  async #recallView(pins: Pins): Promise<void> {
    const stored = await readLastView(this.#parts.folder);
    if (stored === undefined) return;
    if (!isBelieved(stored, pins)) return this.#forgetMail();
    try {
      this.#mail ??= this.#views.openStored(stored, pins);
    } catch (error) {
      this.#parts.log.error({ event: "view-unusable", error }, `the last good view is of no use: ${messageOf(error)}`);
    }
  }

  #take(mail: Mail): void {
    this.#mail = mail;
    this.#parts.onMail();
  }

  async #forgetMail(): Promise<void> {
    this.#mail = undefined;
    await forgetLastView(this.#parts.folder);
  }

  #report(known: KnownGateways): Report {
    return {
      gateways: gatewaysToTell(known, this.#parts.node),
      leads: known.leads,
      applied: this.#applied,
      pairs: [...this.paths.pairs],
    };
  }

  #tell(): void {
    this.tellHub();
    this.#parts.onNews();
  }
}
