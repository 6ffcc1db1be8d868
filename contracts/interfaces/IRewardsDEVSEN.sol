// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOracleConsumer} from "./IOracleConsumer.sol";

/// @title Rewards
/// @notice Pays chargers that are up, drivers who charge often and owners who build a network, out of a budget per epoch, from
/// settled sessions and agreed uptime answers only. Nobody picks who gets what: whoever earned something proves it by what is
/// on chain.
/// @dev **An epoch** lasts `epochSec`. During it and the next one anyone brings in its settled sessions (`count`). Then the
/// sums are fixed for ever and claims are open without end. From the end of the epoch anyone may ask the oracles for a
/// charger's uptime in it.
///
/// **Weights**, in fees: what the sessions paid into the treasury in the network's own token (`IPaymentDEVSEN.Session.fee`).
/// - Uptime: fees of a charger for one owner; the share is multiplied by µ = (period − (out − excluded)) / period.
/// - Occupants: fees of all sessions of an occupant but for its dearest one. One session earns nothing, n equal ones (n − 1) / n.
/// - Builders: fees of all chargers of an owner but for its busiest one. One charger earns nothing, n equal ones (n − 1) / n.
///
/// An earner gets its weight's share of the pot. The pot is its budget, or `CAP_BPS` of the epoch's weights if that is less.
///
/// **Wash trading loses.** Who charges at the own charger pays itself, but for the fee: only the fee is gone. So rewards are
/// paid on fees, not on turnover. A session with fee x adds at most x to each of its three weights, however it is split
/// over accounts, chargers and days, since neither "dearest" nor "busiest" ever falls. A weight earns at most `CAP_BPS` of
/// itself, also at the margin. So all that x can bring to all accounts together is 3 × `CAP_BPS` of x: 90 %, and at least a
/// tenth of it is lost. Chargers that nobody pays for earn nothing, however long they are up; with a fee of 0 there are no
/// rewards. Sessions in other tokens do not count: no price of theirs is known here that could not be made up.
interface IRewardsDEVSEN is IOracleConsumer {
    /// @notice What is rewarded.
    enum Pot {
        Uptime,
        Occupants,
        Builders
    }

    /// @notice A session, by the charger's own id of it.
    struct SessionRef {
        address device;
        bytes32 sessionId;
    }

    /// @notice Fees an account brought into an epoch; its weight is `fees - largest`.
    /// @param fees All of them, token base units.
    /// @param largest Of an occupant: those of the dearest session. Of an owner: those of the busiest charger.
    struct Fees {
        uint128 fees;
        uint128 largest;
    }

    /// @notice What the oracles agreed on about a charger in an epoch.
    /// @param known Whether they did.
    /// @param usableSec Seconds in which it was usable.
    /// @param excludedSec Seconds in which it was not, and that are not held against it.
    struct Uptime {
        bool known;
        uint64 usableSec;
        uint64 excludedSec;
    }

    /// @notice A pot will have this budget from an epoch on.
    event BudgetSet(Pot indexed pot, uint48 indexed fromEpoch, uint256 amount);
    /// @notice Tokens came in, to be paid out before new ones are minted.
    event Funded(address indexed from, uint256 amount);
    /// @notice A settled session counts in an epoch.
    event Counted(
        uint48 indexed epoch,
        address indexed occupant,
        address indexed owner,
        address device,
        bytes32 key,
        uint256 fee
    );
    /// @notice Somebody asked the oracles for a charger's uptime in an epoch.
    event UptimeRequested(bytes32 indexed requestId, uint48 indexed epoch, address indexed device);
    /// @notice The oracles agreed on a charger's uptime in an epoch.
    event UptimeAgreed(uint48 indexed epoch, address indexed device, uint64 usableSec, uint64 excludedSec);
    /// @notice A request for uptime brought no figures; it can be made again.
    event UptimeNotAgreed(uint48 indexed epoch, address indexed device, Outcome outcome);
    /// @notice An epoch's sums are fixed.
    event Closed(uint48 indexed epoch, uint256 forUptime, uint256 forOccupants, uint256 forBuilders);
    /// @notice An earner was paid.
    event Claimed(Pot indexed pot, uint48 indexed epoch, address indexed earner, uint256 amount);

    /// @notice The caller is not the admin of UserDEVSEN.
    error NotAdmin(address caller);
    /// @notice The caller is not the ledger.
    error NotOracle(address caller);
    /// @notice An argument must not be the zero address.
    error ZeroAddress();
    /// @notice An epoch lasts from a minute to a year.
    error BadEpochLength(uint256 epochSec);
    /// @notice This contract made no such request.
    error UnknownRequest(bytes32 requestId);
    /// @notice The factory made no such charger.
    error NotADevice(address device);
    /// @notice The epoch is not over.
    error EpochNotOver(uint48 epoch, uint256 overAt);
    /// @notice The oracles agreed on this before.
    error UptimeKnown(uint48 epoch, address device);
    /// @notice Sessions of the epoch still may be counted.
    error NotYetClaimable(uint48 epoch, uint256 claimableAt);
    /// @notice The earner earned nothing here, or has it already.
    error NothingToClaim(Pot pot, uint48 epoch, address earner);

    /// @notice Most that a pot pays of the fees it is paid for, basis points.
    function CAP_BPS() external view returns (uint256);

    /// @notice Length of an epoch, seconds.
    function epochSec() external view returns (uint256);

    /// @notice Unix seconds at which epoch 0 began.
    function genesis() external view returns (uint256);

    /// @notice PaymentDEVSEN: the settled sessions.
    function payment() external view returns (address);

    /// @notice OracleDEVSEN: the agreed answers.
    function oracle() external view returns (address);

    /// @notice TokenDEVSEN: what is counted and paid.
    function token() external view returns (address);

    /// @notice Sets a pot's budget from the next epoch on. Admin only.
    /// @dev Reverts: NotAdmin, SafeCastOverflowedUintDowncast (208 bits).
    /// @param amount Token base units per epoch.
    function setBudget(Pot pot, uint256 amount) external;

    /// @notice Brings tokens of the caller, who approved them before, to be paid out before new ones are minted.
    /// @dev Reverts as the token.
    function fund(uint256 amount) external;

    /// @notice Counts settled sessions, each in the epoch in which it was settled. By anyone.
    /// @dev Passes over what counts nowhere: counted before, not settled, settled without a fee or in another token, settled
    /// before the last epoch. Gas grows with the list, so the caller chooses its length.
    /// @return counted How many of them count now and did not before.
    function count(SessionRef[] calldata sessions) external returns (uint256 counted);

    /// @notice Asks the oracles for a charger's uptime in an epoch that is over. The caller's LINK account pays, which must allow
    /// this contract.
    /// @dev Reverts: EpochNotOver, NotADevice, UptimeKnown, and as `IOracleDEVSEN.request`.
    /// @return requestId Id of the request.
    function requestUptime(uint48 epoch, address device) external returns (bytes32 requestId);

    /// @notice Pays an owner for the uptime of its chargers. By anyone.
    /// @dev Passes over chargers of which nothing is due: not this owner's in that epoch, paid before, uptime not yet known.
    /// Reverts: NotYetClaimable, NothingToClaim (no charger has anything due).
    /// @param devices The chargers; gas grows with the list.
    /// @param earner Who was paid for their sessions in the epoch.
    /// @return amount Token base units.
    function claimUptime(uint48 epoch, address[] calldata devices, address earner) external returns (uint256 amount);

    /// @notice Pays an occupant for charging often. By anyone.
    /// @dev Reverts: NotYetClaimable, NothingToClaim.
    /// @return amount Token base units.
    function claimOccupant(uint48 epoch, address occupant) external returns (uint256 amount);

    /// @notice Pays an owner for a network of chargers. By anyone.
    /// @dev Reverts: NotYetClaimable, NothingToClaim.
    /// @return amount Token base units.
    function claimBuilder(uint48 epoch, address owner) external returns (uint256 amount);

    /// @notice The epoch that runs now.
    function currentEpoch() external view returns (uint48);

    /// @notice Unix seconds at which an epoch begins.
    function startOf(uint48 epoch) external view returns (uint256);

    /// @notice Tokens here that nobody has earned yet: they are paid out before new ones are minted.
    function reserve() external view returns (uint256);

    /// @notice A pot's budget in an epoch, token base units.
    function budgetOf(Pot pot, uint48 epoch) external view returns (uint256);

    /// @notice Sum of all weights of a pot in an epoch.
    function weightOf(Pot pot, uint48 epoch) external view returns (uint256);

    /// @notice What a pot pays out for an epoch; 0 until its sums are fixed.
    function grantedOf(Pot pot, uint48 epoch) external view returns (uint256);

    /// @notice Whether a session was counted.
    function isCounted(bytes32 key) external view returns (bool);

    /// @notice Fees that an occupant's sessions paid in an epoch; zero once claimed.
    function occupantFees(uint48 epoch, address occupant) external view returns (Fees memory);

    /// @notice Fees that sessions at an owner's chargers paid in an epoch; zero once claimed.
    function ownerFees(uint48 epoch, address owner) external view returns (Fees memory);

    /// @notice Fees that sessions at a charger paid in an epoch, of those that paid this owner.
    function deviceFees(uint48 epoch, address device, address owner) external view returns (uint256);

    /// @notice What the oracles agreed on about a charger in an epoch.
    function uptimeOf(uint48 epoch, address device) external view returns (Uptime memory);
}
