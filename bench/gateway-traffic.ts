import { createHash } from 'node:crypto';

/** A charger of the benchmark; both ends compute it from its number, so nothing has to be passed between them. */
export interface BenchCharger {
  identity: string;
  /** AuthorizationKey, 20 bytes. */
  key: Buffer;
}

export function benchCharger(number: number): BenchCharger {
  const key = createHash('sha256').update(`bench charger ${number}`).digest().subarray(0, 20);
  return { identity: `BENCH-${String(number).padStart(4, '0')}`, key };
}

/** One transaction and what lies between it and the next: Heartbeats and, while it runs, MeterValues. */
const ROUND = [
  'Status:Preparing',
  'Start',
  'Status:Charging',
  ...Array.from({ length: 14 }, () => ['MeterValues', 'Heartbeat']).flat(),
  ...Array.from({ length: 6 }, () => 'MeterValues'),
  'Stop',
  'Status:Finishing',
  'Status:Available',
];

/** A charger's side of the talk: the next frame, and what it learns from an answer. */
export interface BenchTalk {
  next: () => string;
  heard: (frame: string) => void;
}

export function makeBenchTalk(number: number): BenchTalk {
  const idTag = `TAG${String(number).padStart(8, '0')}`;
  let count = number;
  let meterWh = 1_000 * number;
  let transactionId = 1;
  let isStarting = false;

  return {
    next: () => {
      const what = ROUND[count % ROUND.length] ?? 'Heartbeat';
      const head = `[2,"${number.toString(36)}-${(count++).toString(36)}",`;
      const timestamp = new Date().toISOString();
      if (what === 'Heartbeat') return `${head}"Heartbeat",{}]`;
      if (what === 'MeterValues') {
        meterWh += 37;
        return `${head}"MeterValues",{"connectorId":1,"transactionId":${transactionId},"meterValue":[{"timestamp":"${timestamp}","sampledValue":${sampledValues(meterWh)}}]}]`;
      }
      if (what === 'Start') {
        isStarting = true;
        return `${head}"StartTransaction",{"connectorId":1,"idTag":"${idTag}","meterStart":${meterWh},"timestamp":"${timestamp}"}]`;
      }
      if (what === 'Stop') {
        return `${head}"StopTransaction",{"transactionId":${transactionId},"idTag":"${idTag}","meterStop":${meterWh},"timestamp":"${timestamp}","reason":"Local"}]`;
      }
      const status = what.slice('Status:'.length);
      return `${head}"StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"${status}","timestamp":"${timestamp}"}]`;
    },
    heard: (frame) => {
      if (!isStarting) return;
      isStarting = false;
      transactionId = (JSON.parse(frame) as [number, string, { transactionId: number }])[2].transactionId;
    },
  };
}

function sampledValues(meterWh: number): string {
  const powerW = 7_000 + (meterWh % 400);
  const samples = [
    `{"value":"${meterWh}","context":"Sample.Periodic","measurand":"Energy.Active.Import.Register","unit":"Wh"}`,
    `{"value":"${powerW}","context":"Sample.Periodic","measurand":"Power.Active.Import","unit":"W"}`,
    `{"value":"${(powerW / 690).toFixed(2)}","context":"Sample.Periodic","measurand":"Current.Import","phase":"L1","unit":"A"}`,
    `{"value":"230.${meterWh % 10}","context":"Sample.Periodic","measurand":"Voltage","phase":"L1-N","unit":"V"}`,
    `{"value":"${40 + (meterWh % 50)}","context":"Sample.Periodic","measurand":"SoC","location":"EV","unit":"Percent"}`,
  ];
  return `[${samples.join(',')}]`;
}
