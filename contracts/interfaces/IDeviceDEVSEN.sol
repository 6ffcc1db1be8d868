// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeviceControl} from "./IDeviceControl.sol";
import {IDeviceSessions} from "./IDeviceSessions.sol";
import {IOracleConsumer} from "./IOracleConsumer.sol";

/// @title One charger
/// @notice Where it stands and what it offers, how a gateway recognises it, what the oracles last agreed on about it, its
/// sessions and its configuration.
interface IDeviceDEVSEN is IOracleConsumer, IDeviceSessions, IDeviceControl {
    /// @notice A connector's status. Unknown is 0, so unset storage never reads as Available.
    enum Status {
        Unknown,
        Available,
        Occupied,
        Charging,
        Suspended,
        Reserved,
        Unavailable,
        Faulted
    }

    /// @notice What a charger offers at one connector, in OCPI's terms.
    /// @param evse Number of the EVSE it belongs to, from 1.
    /// @param standard OCPI `ConnectorType`, by its place in OCPI 2.2.1 §8.4.5, from 1; 0 if unsaid.
    /// @param format OCPI `ConnectorFormat`: 1 socket, 2 cable; 0 if unsaid.
    /// @param powerType OCPI `PowerType`: 1 AC one phase, 2 AC two phases, 3 AC two phases split, 4 AC three phases, 5 DC.
    /// @param maxPowerW Most power, W.
    struct Connector {
        uint8 evse;
        uint8 standard;
        uint8 format;
        uint8 powerType;
        uint32 maxPowerW;
    }

    /// @notice What a charger is made with.
    /// @param identity Its OCPP identity: 1 to 48 of A-Z a-z 0-9 _ = : | @ . -
    /// @param latitudeE7 Degrees north × 10⁷.
    /// @param longitudeE7 Degrees east × 10⁷.
    /// @param authorizationKeyHash keccak256 of its OCPP AuthorizationKey's bytes; zero if it has none.
    /// @param certificateFingerprint SHA-256 of its TLS client certificate; zero if it has none.
    /// @param connectors Its connectors: OCPP `connectorId` 1, 2, 3 …
    struct NewDevice {
        string identity;
        int32 latitudeE7;
        int32 longitudeE7;
        bytes32 authorizationKeyHash;
        bytes32 certificateFingerprint;
        Connector[] connectors;
    }

    /// @notice What the oracles last agreed on about a connector.
    /// @param status Its status.
    /// @param errorClass Place of the error in OCPP 1.6's `ChargePointErrorCode` (§7.6); 0 is NoError.
    /// @param online Whether the charger was connected at `askedAt`.
    /// @param observedAt Unix seconds at which this was last known; 0 if never.
    /// @param askedAt Unix seconds as of which the oracles answered; 0 if they never did.
    struct AgreedStatus {
        Status status;
        uint8 errorClass;
        bool online;
        uint40 observedAt;
        uint40 askedAt;
    }

    /// @notice A fault that the oracles agreed on.
    /// @param connector OCPP `connectorId`; 0 for the charger as a whole.
    /// @param errorClass As in `AgreedStatus`.
    /// @param observedAt Unix seconds.
    struct Fault {
        uint16 connector;
        uint8 errorClass;
        uint40 observedAt;
    }

    /// @notice How a gateway recognises the charger changed.
    event CredentialsSet(bytes32 indexed deviceId, bytes32 authorizationKeyHash, bytes32 certificateFingerprint);
    /// @notice The charger stands here.
    event LocationSet(bytes32 indexed deviceId, int32 latitudeE7, int32 longitudeE7);
    /// @notice The charger offers these connectors.
    event ConnectorsSet(bytes32 indexed deviceId, Connector[] connectors);
    /// @notice The charger's meter signs with this key; empty for none.
    event MeterKeySet(bytes32 indexed deviceId, bytes meterKey);
    /// @notice The charger belongs to another manager.
    event ManagerSet(bytes32 indexed deviceId, address indexed manager);
    /// @notice The charger takes no more sessions, for ever.
    event Retired(bytes32 indexed deviceId);
    /// @notice The oracles agreed on a fault that was not known.
    event FaultAgreed(uint16 indexed connector, uint8 errorClass, uint40 observedAt);
    /// @notice Somebody asked the oracles for a connector's status.
    event StatusRequested(bytes32 indexed requestId, uint16 indexed connector);
    /// @notice The oracles agreed on a connector's status.
    event StatusAgreed(bytes32 indexed requestId, uint16 indexed connector, AgreedStatus status);
    /// @notice A request about a connector's status ended without agreement.
    event StatusNotAgreed(bytes32 indexed requestId, uint16 indexed connector, Outcome outcome);

    /// @notice The device has its manager already.
    error AlreadyInitialized();
    /// @notice The caller is not this charger's manager.
    error NotManager(address caller);
    /// @notice The caller is not the factory.
    error NotFactory(address caller);
    /// @notice A meter's key has at most 256 bytes.
    error MeterKeyTooLong(uint256 length);
    /// @notice The caller is not the ledger.
    error NotOracle(address caller);
    /// @notice This device made no such request.
    error UnknownRequest(bytes32 requestId);
    /// @notice Degrees × 10⁷ beyond ±90 north or ±180 east.
    error BadLocation(int32 latitudeE7, int32 longitudeE7);
    /// @notice A charger has 1 to 64 connectors.
    error BadConnectors(uint256 count);
    /// @notice The charger has no such connector; 0 is the charger as a whole.
    error NoSuchConnector(uint16 connector);

    /// @notice Called once, by the factory, in the tx that makes the device.
    /// @dev Reverts: AlreadyInitialized, BadLocation, BadConnectors.
    /// @param number_ Its place in the factory's list, from 0.
    function initialize(address manager_, uint24 number_, NewDevice calldata device) external;

    /// @notice Sets how a gateway recognises the charger. Manager only.
    /// @dev Reverts: NotManager.
    function setCredentials(bytes32 authorizationKeyHash, bytes32 certificateFingerprint) external;

    /// @notice Sets where the charger stands. Manager only.
    /// @dev Reverts: NotManager, BadLocation.
    function setLocation(int32 latitudeE7, int32 longitudeE7) external;

    /// @notice Sets what the charger offers. Manager only.
    /// @dev Reverts: NotManager, BadConnectors.
    function setConnectors(Connector[] calldata connectors_) external;

    /// @notice Sets the public key with which the charger's meter signs, as the meter's maker encodes it. Manager only.
    /// @dev Reverts: NotManager, MeterKeyTooLong.
    function setMeterKey(bytes calldata meterKey_) external;

    /// @notice Gives the charger to another manager, who gets what sessions settled from now on pay. Factory only.
    /// @dev Reverts: NotFactory.
    function setManager(address manager_) external;

    /// @notice Ends new sessions for ever; those under way go on to their end. Factory only.
    /// @dev Reverts: NotFactory.
    function retire() external;

    /// @notice Asks the oracles for a connector's status. The caller's LINK account pays, which must allow this device or
    /// the factory.
    /// @dev Reverts: NoSuchConnector, and as `IOracleDEVSEN.request`.
    /// @param connector OCPP `connectorId`; 0 for the charger as a whole.
    /// @return requestId Id of the request.
    function requestStatus(uint16 connector) external returns (bytes32 requestId);

    /// @notice keccak256 of the charger's OCPP identity.
    function deviceId() external view returns (bytes32);

    /// @notice Place in the factory's list, from 0.
    function number() external view returns (uint24);

    /// @notice Who owns and runs the charger.
    function manager() external view returns (address);

    /// @notice The ledger that this device asks.
    function oracle() external view returns (address);

    /// @notice PaymentDEVSEN: where sessions' tokens lie.
    function payment() external view returns (address);

    /// @notice Whether the charger was retired.
    function isRetired() external view returns (bool);

    /// @notice Public key of the charger's meter; empty if none.
    function meterKey() external view returns (bytes memory);

    /// @notice How many faults the oracles ever agreed on.
    function faultCount() external view returns (uint256);

    /// @notice The last 16 faults, the latest first.
    function faults() external view returns (Fault[] memory);

    /// @notice How a gateway recognises the charger.
    function credentials() external view returns (bytes32 authorizationKeyHash, bytes32 certificateFingerprint);

    /// @notice Where the charger stands, degrees × 10⁷.
    function location() external view returns (int32 latitudeE7, int32 longitudeE7);

    /// @notice What the charger offers: connector 1, 2, 3 …
    function connectors() external view returns (Connector[] memory);

    /// @notice What the oracles last agreed on about a connector; all zero if they never did.
    function statusOf(uint16 connector) external view returns (AgreedStatus memory);
}
