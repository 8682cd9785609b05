import { BootError } from '@lienthong/runtime';
import { BlockList, isIP } from 'node:net';

/** Networks by family: the filter compares an address with those of its own family only. */
export interface Networks {
  4: readonly string[];
  6: readonly string[];
}

/**
 * @param texts addresses, or networks as `10.20.0.0/16`
 * @throws BootError in one sentence for what is neither
 */
export function networksOf(texts: readonly string[]): Networks {
  const all = texts.map((text) => {
    const [address, bits] = text.split('/');
    const family = isIP(address);
    if (family === 0) throw notANetwork(text);
    return { family, network: `${address}/${bits ?? (family === 4 ? 32 : 128)}` };
  });
  for (const { family, network } of all) assertNetwork(network, family);
  const of = (wanted: number) => all.filter(({ family }) => family === wanted).map(({ network }) => network);
  return { 4: of(4), 6: of(6) };
}

function assertNetwork(network: string, family: number): void {
  const [address, bits] = network.split('/');
  try {
    new BlockList().addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  } catch {
    throw notANetwork(network);
  }
}

const notANetwork = (text: string): BootError =>
  new BootError(`WEBHOOK_ALLOWED_NETWORKS: ${text} is no network; write it as 10.20.0.0/16 or fd00:1::/64.`);
