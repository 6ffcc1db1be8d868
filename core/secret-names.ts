/**
 * Names of settings whose values are nobody's business: passwords, keys and the like under the names that OCPP and makers
 * give them, settings that hold an idTag (`MasterPassGroupId`, a maker's tag for free charging), and what names the
 * charger's hardware or its SIM card.
 */
const SECRET =
  /passw|passphrase|secret|credential|token(?!reader)|psk|pincode|pin$|(api|auth|authori[sz]ation|access|encryption|private|shared|wifi|wpa|network)_?key$|idtag|masterpass|user(name)?$|serialnumber|iccid|imsi|msisdn/i;

/** A URL in which a user or a password stands. */
const WITH_USER = /:\/\/[^/?#\s]*@/;

/** Whether the value of a charger's setting may be a password or an idTag, by any of the names it goes by. */
export function isSecretName(...names: string[]): boolean {
  return names.some((name) => SECRET.test(name.replaceAll(/[\s.-]/g, '')));
}

/** Whether a value shows a user or password, whatever its setting is called. */
export function isSecretValue(value: string): boolean {
  return WITH_USER.test(value);
}
