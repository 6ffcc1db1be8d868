/** What a Chainlink node of the local network is told. */
export interface ChainlinkPlaces {
  chainId: string;
  /** JSON-RPC of the chain, and the same over WebSocket. */
  rpcUrl: string;
  wsUrl: string;
  linkAddress: string;
  /** The node itself, as the adapter reaches it: where it takes what is answered later. */
  nodeUrl: string;
  /** Host of its PostgreSQL; user and database are named `chainlink`. */
  databaseHost: string;
}

/** Its secrets: each a random text of letters and digits, so that none has to be escaped. */
export interface ChainlinkSecrets {
  databasePassword: string;
  keystorePassword: string;
  apiPassword: string;
}

/** Whoever signs in to its API; the node takes an e-mail address for a name. */
export const API_EMAIL = 'operator@devsen.local';

/**
 * `config.toml` of a Chainlink node 2.x that shares nothing with the world: no peers, no telemetry, its API without TLS
 * in a network of its own. It makes no account: it is given the operator's.
 */
export function configToml({ chainId, rpcUrl, wsUrl, linkAddress, nodeUrl }: ChainlinkPlaces): string {
  return `RootDir = '/tmp/chainlink'

[Log]
Level = 'info'
JSONConsole = true

[Log.File]
MaxSize = '0b'

[WebServer]
HTTPPort = 6688
BridgeResponseURL = '${nodeUrl}'
SecureCookies = false

[WebServer.TLS]
HTTPSPort = 0

[[EVM]]
ChainID = '${chainId}'
AutoCreateKey = false
LinkContractAddress = '${linkAddress}'
MinIncomingConfirmations = 1
MinContractPayment = '0'
FinalityDepth = 10
# A local chain makes a block when there is a tx.
NoNewHeadsThreshold = '0s'

[EVM.GasEstimator]
Mode = 'FixedPrice'
EIP1559DynamicFees = false
PriceDefault = '2 gwei'

[[EVM.Nodes]]
Name = 'local'
WSURL = '${wsUrl}'
HTTPURL = '${rpcUrl}'
`;
}

/** `secrets.toml` of the node. */
export function secretsToml({ databaseHost }: ChainlinkPlaces, secrets: ChainlinkSecrets): string {
  const { databasePassword, keystorePassword } = secrets;
  return `[Database]
URL = 'postgresql://chainlink:${databasePassword}@${databaseHost}:5432/chainlink?sslmode=disable'

[Password]
Keystore = '${keystorePassword}'
`;
}

/** The file of `-a`: who may use its API, name and password on a line each. */
export function apiFile({ apiPassword }: ChainlinkSecrets): string {
  return `${API_EMAIL}\n${apiPassword}\n`;
}

/** Reads such a file. @returns undefined if it is none */
export function readApiFile(text: string): { email: string; password: string } | undefined {
  const [email = '', password = ''] = text.split('\n').map((line) => line.trim());
  return email.includes('@') && password !== '' ? { email, password } : undefined;
}
