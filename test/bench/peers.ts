import { drawTable } from "./markdown.ts";

/** What others have published: 1,000 pods until all of them run, addresses to spare, seconds. */
const PUBLISHED = [
  ["Spiderpool 0.8.0 (macvlan)", 182],
  ["Cilium 1.14.3", 215],
  ["Calico 3.26.3", 322],
  ["Kube-OVN 1.12.2", 343],
  ["Whereabouts 0.6.2 (macvlan)", 2_529],
] as const;
const PODS = 1_000;

/**
 * Peers' figures with their sources, as Markdown. They are of whole Kubernetes clusters, scheduler, kubelet and runtime
 * included.
 */
export function drawPeers(): string {
  const rows = PUBLISHED.map(([name, seconds]) => [name, seconds, (PODS / seconds).toFixed(1)]);
  return `What others have published, for the order of magnitude and no more: ${PODS.toLocaleString("en")} pods (100 Deployments of 10) on ten machines of 3 CPUs with Kubernetes 1.26, from their creation until all run, so scheduler, kubelet and container runtime are in it; nothing of that is in ours. By Spiderpool's authors (https://github.com/spidernet-io/spiderpool/blob/main/docs/concepts/ipam-performance.md).

${drawTable(["1,000 pods, addresses to spare", "seconds", "pods/s"], rows)}
With as many addresses as pods, Spiderpool took 207 s, Kube-OVN 405 s, and Whereabouts did not get there. Their earlier report (https://github.com/DaoCloud/DaoCloud-docs/blob/main/docs/en/docs/network/performance/spiderpool-performance.md) has one Deployment of 1,000, both families: Calico 3.23.3 116 s, Spiderpool 0.4.0 155 s, Kube-OVN 1.11.3 235 s, Whereabouts 0.6.1 1,518 s; all of them deleted at once and made again: 246 s, 590 s, 440 s, never. Of Whereabouts, others report 128 pods with 16 networks each past the kubelet's limit of four minutes (https://github.com/k8snetworkplumbingwg/whereabouts/issues/313). Hybridnet has published no such figures; its authors name four requests to the API server for every pod (https://github.com/alibaba/hybridnet/issues/218).
`;
}
