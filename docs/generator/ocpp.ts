import { OCPP_VERSIONS } from '../../core/ocpp-version.ts';
import { chargerActions } from '../../ocpp-gateway/dialect.ts';
import { DIALECTS } from '../../ocpp-gateway/dialects.ts';
import { messagesTested } from '../../test/gateway/messages-tested.ts';

/** One version of OCPP: what the gateway takes in and sends, and which of it a test sends through a gateway. */
interface Version {
  name: string;
  takenIn: readonly string[];
  sent: readonly string[];
  isTested: (action: string) => boolean;
}

const VERSIONS: readonly Version[] = [...OCPP_VERSIONS].reverse().map((version) => {
  const takenIn = chargerActions(DIALECTS[version]);
  const sent = [...DIALECTS[version].commands];
  const { fromCharger, toCharger } = messagesTested(version);
  return {
    name: version === 'ocpp1.6' ? '1.6J' : version.slice('ocpp'.length),
    takenIn,
    sent,
    isTested: (action) =>
      takenIn.includes(action) === fromCharger.includes(action) && sent.includes(action) === toCharger.includes(action),
  };
});

/** `docs/ocpp.md`. */
export function ocppDocument(): string {
  const rows = VERSIONS.flatMap(({ name, takenIn, sent, isTested }) =>
    [...new Set([...takenIn, ...sent])]
      .sort()
      .map((action) => [
        `\`${action}\``,
        name,
        mark(takenIn.includes(action)),
        mark(sent.includes(action)),
        mark(isTested(action)),
      ]),
  );
  return `# OCPP messages

Written by \`npm run docs\` from the code.

- *taken in*: the gateway answers it when the charger sends it, and it is in every operator's record.
  \`NotifyPeriodicEventStream\` is recorded and, being a SEND, not answered.
- *sent*: the charger's manager can have it sent (\`npm run command\`); call and answer are in every operator's record.
- *tested*: a test sends it through a gateway over a real socket, in each direction it has.

OCPP 1.6J means edition 2 and the messages of the security whitepaper. Payloads are checked against the JSON schemas of the
charger's version, in both directions. A charger that offers several versions is spoken to in the newest one.

What is not offered is refused as OCPP has it: \`DataTransfer\` gets \`UnknownVendorId\`, \`SignCertificate\` \`Rejected\` where no
certification authority is set or the certificate is one of V2G, \`Get15118EVCertificate\`, \`GetCertificateStatus\` and
\`GetCertificateChainStatus\` \`Failed\`, \`NotifyEVChargingNeeds\` \`Rejected\` (2.1: \`NoChargingProfile\`),
\`PullDynamicScheduleUpdate\` and \`VatNumberValidation\` \`Rejected\`.

## Messages that break their schema

- What is certain is taken: of a number in quotes or a text without them, the value; a fraction of a Wh in a register of 1.6
  is cut off. What else breaks the schema and is not necessary is passed over: null, a member or a word that OCPP does not
  know, a text that is too long, one sample beside good ones. A time that cannot be read, such as one without a zone, is an
  uncertain one. The message is then answered as if it were right, is on record exactly as it came, and counts as
  \`forgiven\` in the gateway's metric of messages; its log names the places, never a value.
- Each operator reads the record by itself, and takes a register, a unit or an id for unusable that would have to be guessed.
- If too little is left, \`StopTransaction\`, \`MeterValues\` and \`TransactionEvent\` are answered with an empty CALLRESULT, so
  that no charger sends them for ever, and \`StartTransaction\` with \`Invalid\` and a \`transactionId\` where one can be given.
  They are on record as *suspect*, of which nothing is billed. Any other message gets the CALLERROR that OCPP-J names.
- A certificate, the type of one that is asked for, and the EVSE of a \`TransactionEvent\` are never passed over.

While nothing can be recorded, nothing that has to be on record is answered: the charger keeps it. A \`BootNotification\` is
answered \`Pending\` at once, and is not on record; a \`Heartbeat\` that waited for more than five seconds is not answered any
more, as the time in its answer has passed.

## How OCPP 2.x counts on chain

- The *connector* of a question is the EVSE: \`evseId\`; 0 is the station. An EVSE charges one car at a time, so its
  connectors are told together. The first of these that one of them is, the EVSE is: Suspended, Charging, Occupied, Reserved,
  Available, Faulted, Unavailable. Beside a status that is not Faulted, the error of another connector is a warning.
- A status is told by \`StatusNotification\`, or by \`NotifyEvent\` as \`AvailabilityState\` of a Connector, an EVSE or the
  ChargingStation. Occupied becomes Charging or Suspended by the \`chargingState\` of the transaction last told to be there.
- The error of a fault is that of the component which \`NotifyEvent\` says has a \`Problem\`, up to a minute before the fault or
  after it; else \`OtherError\`.
- Meter values are normalised by \`unitOfMeasure\`, multiplier and all; \`signedMeterValue\` is kept as it is.
- A transaction's registers are those that \`TransactionEvent\` marks \`Transaction.Begin\` and \`Transaction.End\`, else the first
  of Started and the last of Ended.
- A session is the transaction in which its idToken was the first to be accepted, in Started, Updated or Ended, and counts
  from where the transaction began. Where Started was lost, it begins with the message that showed the idToken.

## Cards

- \`ConcurrentTx\` is answered to the start of a transaction, and only while another one by the same card goes on for certain:
  at another connector, told of as it happened, by a charger that has been connected to a gateway of the network ever since.
  \`REFUSE_CONCURRENT_TX=false\` lets a card charge several cars at once.
- \`CARDS_MUST_PAY=true\` has a card refused whose user can pay for nothing at the charger: \`NoCredit\` in OCPP 2.x, \`Blocked\`
  in 1.6. A transaction that goes on is not asked about again. While the chain is away the card is accepted.
- Cards of one user in \`UserDEVSEN\` have the same \`parentIdTag\` (\`groupIdToken\` in 2.x), so that chargers let one of them end
  what another began.
- Where a car shows a contract of ISO 15118 with its \`Authorize\` (\`certificate\`, \`iso15118CertificateHashData\`), its idToken is
  \`Invalid\`, with \`NoCertificateAvailable\`: nothing here checks such certificates.
- A session's energy limit is handed to chargers of OCPP 2.1 as \`transactionLimit\` (\`maxEnergy\`). Every charger is stopped at
  it anyway. What else OCPP has does not say it: a charging profile bounds power, not energy, and \`maxCost\` is in a currency by
  a tariff at the charger, while the driver's tokens and the tariff stand on chain, where the limit in Wh was worked out of them.

## Messages

| message | version | taken in | sent | tested |
|---|---|---|---|---|
${rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}
`;
}

function mark(isSo: boolean): string {
  return isSo ? 'yes' : '–';
}
