import type { ListEntry } from './authorisation.ts';
import type { CertificateHash } from './certificates.ts';
import type { ChargerControls, CommandRule } from './controls.ts';
import { chosenVariables, getVariable, reportOf, setVariable, variablesOf } from './device-model.ts';
import { isValidCertificate } from './errands.ts';
import { asFields, asList, asNumber, asText, asTimeMs, optional, timeText } from './json-fields.ts';
import { profilesCommands, readProfile20 } from './profiles20.ts';

const accepted = { status: 'Accepted' };
const rejected = { status: 'Rejected' };

/** What the charger does on each CALL of the CSMS; one that is not here is answered NotImplemented. */
const RULES: Readonly<Record<string, CommandRule>> = {
  ...profilesCommands,

  // transactions
  RequestStartTransaction: ({ evseId, idToken, groupIdToken, remoteStartId, chargingProfile }, controls) => {
    const order = { ...cardOf(idToken, groupIdToken), remoteStartId: Number(remoteStartId) };
    if (chargingProfile !== undefined && asFields(chargingProfile).chargingProfilePurpose !== 'TxProfile')
      return rejected;
    const started = controls.start({ ...order, ...optional('connector', asNumber(evseId)) });
    if (!started) return rejected;
    if (chargingProfile !== undefined) {
      const profile = readProfile20(asFields(chargingProfile), started.connector, controls.nowMs());
      controls.limits.add({ ...profile, ...optional('transaction', started.transaction) });
    }
    return accepted;
  },
  RequestStopTransaction: ({ transactionId }, controls) => {
    const connector = controls.connectorOfTransaction(String(transactionId));
    if (connector === undefined) return rejected;
    return controls.act(connector, { kind: 'stop', reason: 'Remote' }) === undefined ? accepted : rejected;
  },
  GetTransactionStatus: ({ transactionId }, controls) => {
    if (transactionId === undefined) return { messagesInQueue: controls.hasToTell() };
    const ongoingIndicator = controls.connectorOfTransaction(String(transactionId)) !== undefined;
    return { ongoingIndicator, messagesInQueue: controls.hasToTell(String(transactionId)) };
  },
  CostUpdated: () => ({}),

  // availability
  ChangeAvailability: ({ evse, operationalStatus }, controls) => {
    const { id } = asFields(evse);
    const numbers = controls.connectors().filter((n) => id === undefined || id === 0 || n === id);
    if (numbers.length === 0) return rejected;
    const isBusy = numbers.some((number) => controls.connector(number).transaction !== undefined);
    const isOperative = operationalStatus === 'Operative';
    for (const number of numbers) controls.act(number, { kind: 'setOperative', isOperative });
    return isBusy && !isOperative ? { status: 'Scheduled' } : accepted;
  },
  Reset: ({ type, evseId }, controls) => {
    if (evseId !== undefined || (type !== 'Immediate' && type !== 'OnIdle')) return rejected;
    const isBusy = controls.connectors().some((number) => controls.connector(number).transaction !== undefined);
    controls.reset('HardReset', type === 'OnIdle');
    return type === 'OnIdle' && isBusy ? { status: 'Scheduled' } : accepted;
  },
  UnlockConnector: ({ evseId, connectorId }, controls) => {
    const connector = Number(evseId);
    if (!controls.connectors().includes(connector) || connectorId !== 1) return { status: 'UnknownConnector' };
    return { status: controls.connector(connector).transaction ? 'OngoingAuthorizedTransaction' : 'Unlocked' };
  },
  TriggerMessage: ({ requestedMessage, evse }, controls) => {
    const connector = asNumber(asFields(evse).id) ?? 0;
    if (connector !== 0 && !controls.connectors().includes(connector)) return rejected;
    const does: Record<string, () => void> = {
      Heartbeat: () => controls.say({ kind: 'heartbeat' }),
      StatusNotification: () => controls.reportStatus(connector),
      MeterValues: () => controls.reportMeter(connector, 'Trigger'),
      TransactionEvent: () => controls.reportMeter(connector, 'Trigger'),
      FirmwareStatusNotification: () => controls.say(controls.errands.firmwareMessage()),
      LogStatusNotification: () => controls.say(controls.errands.logMessage()),
      SignChargingStationCertificate: () => {
        controls.say({ kind: 'signCertificate', csr: controls.certificates.request() });
      },
    };
    // a charger that is registered does not boot again
    if (requestedMessage === 'BootNotification') return rejected;
    const run = does[String(requestedMessage)];
    if (!run) return { status: 'NotImplemented' };
    run();
    return accepted;
  },

  // variables
  GetVariables: ({ getVariableData }, controls) => {
    const variables = variablesOf(controls);
    return { getVariableResult: asList(getVariableData).map((item) => getVariable(asFields(item), variables)) };
  },
  SetVariables: ({ setVariableData }, controls) => {
    const variables = variablesOf(controls);
    return {
      setVariableResult: asList(setVariableData).map((item) => setVariable(asFields(item), variables, controls)),
    };
  },
  GetBaseReport: ({ requestId, reportBase }, controls) => {
    const all = variablesOf(controls);
    const ofSummary = (name: string) => name === 'AvailabilityState' || name === 'Problem';
    report(
      controls,
      requestId,
      all.filter(({ mutability, variable }) => {
        if (reportBase === 'ConfigurationInventory') return mutability !== 'ReadOnly';
        return reportBase === 'FullInventory' || ofSummary(variable.name);
      }),
    );
    return accepted;
  },
  GetReport: ({ requestId, componentVariable }, controls) => {
    const chosen = chosenVariables(asList(componentVariable), variablesOf(controls));
    if (chosen.length === 0) return { status: 'EmptyResultSet' };
    report(controls, requestId, chosen);
    return accepted;
  },
  SetNetworkProfile: () => rejected,
  SetMonitoringBase: () => ({ status: 'NotSupported' }),
  SetMonitoringLevel: ({ severity }) => (Number(severity) >= 0 && Number(severity) <= 9 ? accepted : rejected),
  SetVariableMonitoring: ({ setMonitoringData }, controls) => {
    const variables = variablesOf(controls);
    return {
      setMonitoringResult: asList(setMonitoringData).map((item) => {
        const { component, variable, type, severity } = asFields(item);
        const found = getVariable({ component, variable }, variables) as { attributeStatus: string };
        const isKnown = !found.attributeStatus.startsWith('Unknown');
        return {
          status: isKnown ? 'UnsupportedMonitorType' : found.attributeStatus,
          type,
          severity,
          component,
          variable,
        };
      }),
    };
  },
  ClearVariableMonitoring: ({ id }) => ({
    clearMonitoringResult: asList(id).map((each) => ({ status: 'NotFound', id: Number(each) })),
  }),
  GetMonitoringReport: () => ({ status: 'EmptyResultSet' }),

  // cards
  ClearCache: (_payload, controls) => {
    if (!controls.settings.isOn('AuthorizationCacheEnabled')) return rejected;
    controls.clearCache();
    return accepted;
  },
  GetLocalListVersion: (_payload, controls) => ({ versionNumber: controls.localList().version }),
  SendLocalList: ({ versionNumber, updateType, localAuthorizationList }, controls) => {
    const entries = asList(localAuthorizationList).map(readListEntry);
    return {
      status: controls.updateLocalList({ version: Number(versionNumber), isFull: updateType === 'Full', entries }),
    };
  },
  ReserveNow: ({ id, expiryDateTime, idToken, groupIdToken, evseId }, controls) => {
    const connector = Number(evseId);
    const expiresAtMs = asTimeMs(expiryDateTime) ?? 0;
    if (!controls.connectors().includes(connector) || expiresAtMs <= controls.nowMs()) return rejected;
    const reservation = { ...cardOf(idToken, groupIdToken), id: Number(id), expiresAtMs };
    return { status: controls.reserve(connector, reservation) };
  },
  CancelReservation: ({ reservationId }, controls) =>
    controls.cancelReservation(Number(reservationId)) ? accepted : rejected,
  CustomerInformation: ({ requestId, report: isAsked }, controls) => {
    const payload = { data: '', seqNo: 0, generatedAt: timeText(controls.nowMs()), requestId: Number(requestId) };
    if (isAsked === true) controls.say({ kind: 'call', action: 'NotifyCustomerInformation', payload });
    return accepted;
  },

  // firmware and logs
  UpdateFirmware: ({ requestId, firmware, retries, retryInterval }, { errands, nowMs }) => {
    const { location, retrieveDateTime, installDateTime, signingCertificate, signature } = asFields(firmware);
    if (signingCertificate !== undefined && !isValidCertificate(String(signingCertificate), nowMs())) {
      return { status: 'InvalidCertificate' };
    }
    const status = errands.updateFirmware({
      location: String(location),
      retrieveAtMs: asTimeMs(retrieveDateTime) ?? nowMs(),
      ...optional('installAtMs', asTimeMs(installDateTime)),
      ...patience(retries, retryInterval),
      requestId: Number(requestId),
      ...optional('signature', asText(signature)),
      ...optional('signingCertificate', asText(signingCertificate)),
    });
    return { status };
  },
  PublishFirmware: () => rejected,
  UnpublishFirmware: () => ({ status: 'NoFirmware' }),
  GetLog: ({ log, logType, requestId, retries, retryInterval }, { errands, identity, nowMs }) => {
    const time = timeText(nowMs()).replace(/[:.]/g, '-');
    const name = `${identity.replace(/[^\w.-]/g, '_')}-${String(logType)}-${time}.log`;
    const location = String(asFields(log).remoteLocation);
    const order = { location, name, ...patience(retries, retryInterval), requestId: Number(requestId) };
    return { status: errands.uploadLog(order), filename: name };
  },

  // certificates
  CertificateSigned: ({ certificateChain }, controls) => {
    if (!controls.certificates.signed(String(certificateChain), controls.nowMs())) {
      controls.say({ kind: 'security', event: 'InvalidChargingStationCertificate', atMs: controls.nowMs() });
      return rejected;
    }
    controls.reconnect();
    return accepted;
  },
  InstallCertificate: ({ certificateType, certificate }, { certificates }) => ({
    status: certificates.install(String(certificateType), String(certificate)),
  }),
  DeleteCertificate: ({ certificateHashData }, { certificates }) => ({
    status: certificates.remove(certificateHashData as CertificateHash),
  }),
  GetInstalledCertificateIds: ({ certificateType }, { certificates }) => {
    const types = certificateType === undefined ? undefined : asList(certificateType).map(String);
    const found = certificates.installed(types);
    if (found.length === 0) return { status: 'NotFound' };
    const certificateHashDataChain = found.map(({ type, hash }) => ({
      certificateType: type,
      certificateHashData: hash,
    }));
    return { status: 'Accepted', certificateHashDataChain };
  },

  // display
  SetDisplayMessage: ({ message }, { display, connectorOfTransaction }) => {
    const info = asFields(message);
    const { transactionId } = info;
    if (transactionId !== undefined && connectorOfTransaction(String(transactionId)) === undefined) {
      return { status: 'UnknownTransaction' };
    }
    if (asFields(info.message).format !== 'UTF8' && asFields(info.message).format !== 'ASCII') {
      return { status: 'NotSupportedMessageFormat' };
    }
    display.set(Number(info.id), info);
    return accepted;
  },
  ClearDisplayMessage: ({ id }, { display }) => ({ status: display.delete(Number(id)) ? 'Accepted' : 'Unknown' }),
  GetDisplayMessages: ({ id, requestId, priority, state }, controls) => {
    const ids = asList(id);
    const messageInfo = [...controls.display.values()].filter((info) => {
      const fields = asFields(info);
      return (
        (ids.length === 0 || ids.includes(fields.id)) &&
        (priority === undefined || fields.priority === priority) &&
        (state === undefined || fields.state === state)
      );
    });
    if (messageInfo.length === 0) return { status: 'Unknown' };
    const payload = { requestId: Number(requestId), messageInfo };
    controls.say({ kind: 'call', action: 'NotifyDisplayMessages', payload });
    return accepted;
  },
  DataTransfer: () => ({ status: 'UnknownVendorId' }),
};

/** @returns the answer's payload, or undefined where OCPP-J answers NotImplemented */
export function carryOut20(action: string, payload: unknown, controls: ChargerControls): object | undefined {
  const rule = Object.hasOwn(RULES, action) ? RULES[action] : undefined;
  return rule?.(asFields(payload), controls);
}

const ITEMS_PER_REPORT = 50;

/** Tells variables in as many NotifyReport as it takes. */
function report(
  controls: ChargerControls,
  requestId: unknown,
  variables: readonly ReturnType<typeof variablesOf>[number][],
): void {
  const generatedAt = timeText(controls.nowMs());
  const parts = Math.max(1, Math.ceil(variables.length / ITEMS_PER_REPORT));
  for (let seqNo = 0; seqNo < parts; seqNo++) {
    const reportData = variables.slice(seqNo * ITEMS_PER_REPORT, (seqNo + 1) * ITEMS_PER_REPORT).map(reportOf);
    const payload = {
      requestId: Number(requestId),
      generatedAt,
      seqNo,
      tbc: seqNo < parts - 1,
      ...(reportData.length > 0 ? { reportData } : {}),
    };
    controls.say({ kind: 'call', action: 'NotifyReport', payload });
  }
}

function cardOf(idToken: unknown, groupIdToken: unknown): { idTag: string; tokenType?: string; group?: string } {
  const { idToken: idTag, type } = asFields(idToken);
  const group = asText(asFields(groupIdToken).idToken);
  return { idTag: String(idTag), ...optional('tokenType', asText(type)), ...optional('group', group) };
}

function readListEntry(entry: unknown): ListEntry {
  const { idToken, idTokenInfo } = asFields(entry);
  const info = asFields(idTokenInfo);
  return {
    idTag: String(asFields(idToken).idToken),
    ...optional('status', asText(info.status)),
    ...optional('group', asText(asFields(info.groupIdToken).idToken)),
    ...optional('untilMs', asTimeMs(info.cacheExpiryDateTime)),
  };
}

function patience(retries: unknown, retryInterval: unknown): { attempts: number; retryMs: number } {
  return { attempts: 1 + (asNumber(retries) ?? 0), retryMs: (asNumber(retryInterval) ?? 10) * 1000 };
}
