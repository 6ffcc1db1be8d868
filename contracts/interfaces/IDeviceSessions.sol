// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Answers} from "../libraries/Answers.sol";
import {Tariffs} from "../libraries/Tariffs.sol";

/// @title Sessions at a charger, and what they cost
/// @notice A session goes Requested → Active → Ended → Settled, or is Rejected, Expired or Suspect.
/// @dev **Whoever pays LINK.** Each question to the oracles is paid from the caller's LINK account, which must allow this device
/// or the factory; or from the manager's, if the manager allowed this very device and the caller is the manager or the
/// session's occupant.
///
/// **Nothing sticks.** From a session's deadline on, anyone may send its tokens back (`expireSession`).
interface IDeviceSessions {
    /// @notice Where a session is. None is 0: there is no such session.
    /// @dev Requested: tokens are locked and the charger is asked to start. Active: it charges. Ended: the oracles agreed on its
    /// end, and anyone may settle it. Settled: paid, or sent back whole if it delivered less than `PHANTOM_WH`. Rejected:
    /// it never began; all back. Expired: no agreement in time; all back. Suspect: it ended and the figures cannot be
    /// billed by themselves; the occupant may accept, the manager may waive, the deadline sends all back.
    enum SessionState {
        None,
        Requested,
        Active,
        Ended,
        Settled,
        Rejected,
        Expired,
        Suspect
    }

    /// @notice A session. Token, deposit, cost and deadline: `IPaymentDEVSEN.sessionOf(keyOf(device, sessionId))`.
    /// @param state Where it is.
    /// @param occupant Who pays.
    /// @param connector OCPP `connectorId`.
    /// @param tariffId Number of the tariff that holds for it.
    /// @param startedAt Unix seconds; 0 before.
    /// @param endedAt Unix seconds; 0 before.
    /// @param idleSec Seconds plugged in without charging.
    /// @param energyWh Energy delivered, Wh.
    /// @param stop Why it ended.
    /// @param conflicts How often the oracles agreed on another end later.
    // Two slots: the linter does not know that enums have one byte.
    // solhint-disable-next-line gas-struct-packing
    struct Session {
        SessionState state;
        address occupant;
        uint16 connector;
        uint32 tariffId;
        uint40 startedAt;
        uint40 endedAt;
        uint32 idleSec;
        uint64 energyWh;
        Answers.Stop stop;
        uint8 conflicts;
    }

    /// @notice A tariff, and since when it holds.
    /// @param validFrom Unix seconds.
    struct DatedTariff {
        Tariffs.Tariff tariff;
        uint40 validFrom;
    }

    /// @notice The charger has this tariff from `validFrom` on.
    event TariffSet(uint256 indexed tariffId, Tariffs.Tariff tariff, uint40 validFrom);
    /// @notice An occupant locked tokens; the charger is asked to start.
    event SessionRequested(
        bytes32 indexed sessionId,
        address indexed occupant,
        uint16 indexed connector,
        uint256 tariffId,
        uint256 deposit,
        uint64 energyLimitWh
    );
    /// @notice The charger charges.
    event SessionStarted(bytes32 indexed sessionId, bytes32 transaction, uint64 meterStartWh, uint40 startedAt);
    /// @notice An RFID card opened a session; tokens of its occupant are locked.
    event CardSessionOpened(bytes32 indexed sessionId, address indexed occupant, bytes32 indexed idTag, uint256 locked);
    /// @notice An RFID card opened a session, and nothing could be locked for it.
    event CardRefused(bytes32 indexed sessionId, bytes32 indexed idTag, bytes why);
    /// @notice Somebody asked the oracles to stop a session, or what became of it.
    event ResultRequested(bytes32 indexed requestId, bytes32 indexed sessionId, bool isStop);
    /// @notice The oracles agreed that a session goes on, or that they cannot know; nothing changed but perhaps to Active.
    event ResultOpen(
        bytes32 indexed requestId,
        bytes32 indexed sessionId,
        Answers.Verdict verdict,
        Answers.Reason reason
    );
    /// @notice A question about a session ended without agreement.
    event ResultNotAgreed(bytes32 indexed requestId, bytes32 indexed sessionId);
    /// @notice The oracles agreed on a session's end.
    event SessionEnded(bytes32 indexed sessionId, Answers.Result result);
    /// @notice A session is over and its tokens are where they belong.
    event SessionClosed(bytes32 indexed sessionId, SessionState state, Answers.Reason reason);
    /// @notice The oracles agreed on another end of a session than before; nothing is settled again.
    event SessionConflict(bytes32 indexed sessionId, Answers.Result result);

    /// @notice The charger was retired and takes no sessions.
    error DeviceRetired();
    /// @notice The caller is no active occupant.
    error NotAnOccupant(address caller);
    /// @notice The charger has no tariff yet.
    error NoTariff();
    /// @notice The tariff that holds now is another one.
    error TariffChanged(uint256 tariffId);
    /// @notice A tariff holds from now or later.
    error TariffInThePast(uint40 validFrom);
    /// @notice PaymentDEVSEN does not take this token.
    error TokenNotAllowed(address token);
    /// @notice The deposit buys so little energy that the session would be a phantom.
    error DepositTooLow(uint256 deposit, uint256 needed);
    /// @notice A session is active at this connector.
    error ConnectorBusy(uint16 connector, bytes32 sessionId);
    /// @notice The session is not in a state for this.
    error WrongState(bytes32 sessionId, SessionState state);
    /// @notice The caller is neither the session's occupant nor the charger's manager.
    error NotOfSession(bytes32 sessionId, address caller);
    /// @notice The caller cannot ask at this account's cost.
    error NotPayer(address payer);

    /// @notice Under this energy a session is a phantom and goes back whole, Wh.
    function PHANTOM_WH() external view returns (uint64);

    /// @notice From a session's lock to the deadline from which anyone may send the tokens back, seconds.
    function SESSION_SEC() external view returns (uint256);

    /// @notice Sets the tariff of sessions that are requested from `validFrom` on. Manager only.
    /// @dev Replaces a tariff that does not hold yet. Reverts: NotManager, TokenNotAllowed, TariffInThePast.
    /// @param validFrom Unix seconds; 0 for now.
    /// @return tariffId Number of the tariff, from 1.
    function setTariff(Tariffs.Tariff calldata tariff, uint40 validFrom) external returns (uint256 tariffId);

    /// @notice Locks the caller's tokens and asks the oracles to have the charger start.
    /// @dev The parameters of the query are `abi.encode(uint16 connector, uint64 energyLimitWh)`; the session's id is the
    /// request's. Reverts: DeviceRetired, NotAnOccupant, NoSuchConnector, ConnectorBusy, NoTariff, TariffChanged, DepositTooLow,
    /// NotPayer, and as `IOracleDEVSEN.request` and `IPaymentDEVSEN.lock`.
    /// @param connector OCPP `connectorId`, from 1.
    /// @param deposit Token base units of the tariff's token; the energy limit follows from it.
    /// @param tariffId The tariff the caller has seen.
    /// @param linkPayer Whose LINK account pays: the caller's or the manager's.
    /// @return sessionId Id of the session.
    function startCharge(
        uint16 connector,
        uint96 deposit,
        uint256 tariffId,
        address linkPayer
    ) external returns (bytes32 sessionId);

    /// @notice Asks the oracles to have the charger stop. The session's occupant or the manager.
    /// @dev The parameters of the query are `abi.encode(bytes32 sessionId)`. Reverts: WrongState (not Active), NotOfSession,
    /// NotPayer, and as `IOracleDEVSEN.request`.
    function stopCharge(bytes32 sessionId, address linkPayer) external returns (bytes32 requestId);

    /// @notice Asks the oracles what became of a session. By anyone; also for one that an RFID card opened, of which nothing is
    /// known here.
    /// @dev The parameters of the query are `abi.encode(bytes32 sessionId)`. The id of a session that a card opened is
    /// `keccak256(abi.encode(deviceId, uint64 epoch, uint64 seq))` of the charger event that began it.
    /// Reverts: NotPayer, and as `IOracleDEVSEN.request`.
    function requestSessionResult(bytes32 sessionId, address linkPayer) external returns (bytes32 requestId);

    /// @notice Settles a session that has Ended. By anyone.
    /// @dev Only sessions of RFID cards wait for this: of others the oracles' answer settles.
    /// Reverts: WrongState.
    function settleSession(bytes32 sessionId) external;

    /// @notice Pays a Suspect session by the figures it has. Its occupant only.
    /// @dev Reverts: WrongState, NotOfSession.
    function acceptSuspect(bytes32 sessionId) external;

    /// @notice Sends a session's tokens back whole: Requested, Active, Ended or Suspect. Manager only.
    /// @dev Reverts: NotManager, WrongState, and as `IPaymentDEVSEN.refund` if the vault expired it.
    function waiveSession(bytes32 sessionId) external;

    /// @notice From its deadline on, sends an unsettled session's tokens back whole. By anyone.
    /// @dev Also when `IPaymentDEVSEN.expire` did so before. Reverts: WrongState, and as `IPaymentDEVSEN.expire`.
    function expireSession(bytes32 sessionId) external;

    /// @notice A session; all zero if there is none.
    function sessionOf(bytes32 sessionId) external view returns (Session memory);

    /// @notice The last session that became Active at a connector; zero if none did.
    function lastSessionAt(uint16 connector) external view returns (bytes32 sessionId);

    /// @notice Who charges at a connector now; zero if nobody does.
    function occupantOf(uint16 connector) external view returns (address);

    /// @notice The tariff that holds now.
    /// @dev Reverts: NoTariff.
    function tariffNow() external view returns (uint256 tariffId, Tariffs.Tariff memory tariff);

    /// @notice How many tariffs the charger has had, one that does not hold yet included.
    function tariffCount() external view returns (uint256);

    /// @notice A tariff by its number, from 1.
    function tariffOf(uint256 tariffId) external view returns (DatedTariff memory);

    /// @notice The least deposit for so much energy at a connector by the tariff that holds now, token base units.
    /// @dev Reverts: NoTariff, NoSuchConnector.
    function depositFor(uint16 connector, uint64 energyWh) external view returns (uint256);
}
