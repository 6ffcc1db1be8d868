import type { Command } from 'commander';
import { formatEther } from 'ethers';
import { DevsenError } from '../../core/errors.ts';
import { call } from '../contracts.ts';
import { inNetwork, type Session, type Streams } from './session.ts';

/** One thing looked at. */
interface Finding {
  what: string;
  isWell: boolean;
  /** What was seen; where it is not well, what to do. */
  detail: string;
}

const HEALTH_LIMIT_MS = 3_000;
/** A chain whose newest block is older than this stands still, or its endpoint does. */
const STALE_SEC = 300;

/** `devsen doctor`: looks at everything a network needs, and says what is wrong. */
export function addDoctorCommand(program: Command, streams: Streams): void {
  program
    .command('doctor')
    .description('looks at chain, contracts, gateway and operators, and says what is wrong')
    .action(async (_options, command: Command) => {
      await inNetwork(command, streams, 'reader', doctor);
    });
}

async function doctor(session: Session): Promise<void> {
  const findings: Finding[] = [];
  const look = async (what: string, work: () => Promise<[boolean, string]>) => {
    try {
      const [isWell, detail] = await work();
      findings.push({ what, isWell, detail });
    } catch (error) {
      const { shortMessage, message } = error as Error & { shortMessage?: string };
      findings.push({ what, isWell: false, detail: shortMessage ?? message });
    }
  };
  await look('chain', async () => {
    const block = await session.provider.getBlock('latest');
    const ageSec = Math.floor(Date.now() / 1_000) - (block?.timestamp ?? 0);
    const isWell = session.local !== undefined || ageSec < STALE_SEC;
    return [isWell, `block ${block?.number}, ${ageSec} s old${isWell ? '' : ': does the endpoint lag?'}`];
  });
  for (const name of ['OracleDEVSEN', 'UserDEVSEN', 'FactoryDEVSEN', 'PaymentDEVSEN', 'LinkToken'] as const) {
    await look(name, async () => {
      const address = await (await session.contract(name)).getAddress();
      const isThere = (await session.provider.getCode(address)) !== '0x';
      return [isThere, isThere ? address : `no contract at ${address}: is it this chain?`];
    });
  }
  await look('operators', async () => {
    const ledger = await session.contract('OracleDEVSEN');
    const setId = (await call(ledger, 'operatorSetId')) as bigint;
    if (setId === 0n) return [false, 'nobody is asked: the admin sets the operators (setOperatorSet)'];
    const set = (await call(ledger, 'operatorSet', setId)) as { oracles: string[]; faults: bigint };
    return [set.faults > 0n, `${set.oracles.length} are asked, ${set.faults} of them may be wrong`];
  });
  const { local } = session;
  if (local !== undefined) await look('gateway', () => health(`${local.state.gatewayAdminUrl}/health`));
  for (const [n, url] of session.adapterUrls.entries())
    await look(`adapter ${n + 1}`, () => health(new URL('/health', url).href));
  for (const { name, jobsUrl } of local?.state.operators ?? [])
    await look(`job node of ${name}`, () => health(`${jobsUrl}/health`));
  if (session.wallet !== undefined) {
    await look('your account', async () => {
      const wei = await session.provider.getBalance(session.account);
      return [wei > 0n, `${session.account} has ${formatEther(wei)} ether`];
    });
  }
  const { paint } = session.output;
  session.output.result(findings, () =>
    findings
      .map(({ what, isWell, detail }) => `${isWell ? paint('good', '✓') : paint('bad', '✗')} ${what}: ${detail}`)
      .join('\n'),
  );
  const sick = findings.filter(({ isWell }) => !isWell);
  if (sick.length > 0) throw new DevsenError('CONFLICT', `not well: ${sick.map(({ what }) => what).join(', ')}`);
}

async function health(url: string): Promise<[boolean, string]> {
  const response = await fetch(url, { signal: AbortSignal.timeout(HEALTH_LIMIT_MS) });
  const text = (await response.text()).slice(0, 300);
  return [response.ok, response.ok ? 'well' : text];
}
