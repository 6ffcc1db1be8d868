// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {IDeviceDEVSEN} from "./interfaces/IDeviceDEVSEN.sol";
import {IFactoryDEVSEN} from "./interfaces/IFactoryDEVSEN.sol";
import {IOracleConsumer} from "./interfaces/IOracleConsumer.sol";
import {IOracleDEVSEN} from "./interfaces/IOracleDEVSEN.sol";
import {IPaymentDEVSEN} from "./interfaces/IPaymentDEVSEN.sol";
import {IRewardsDEVSEN} from "./interfaces/IRewardsDEVSEN.sol";
import {ITokenDEVSEN} from "./interfaces/ITokenDEVSEN.sol";

/// @title Rewards
contract RewardsDEVSEN is IRewardsDEVSEN {
    using Checkpoints for Checkpoints.Trace208;
    using SafeERC20 for ITokenDEVSEN;

    struct UptimeRequest {
        address device;
        uint48 epoch;
    }

    uint256 private constant ALL_BPS = 10_000;
    uint256 private constant POTS = 3;

    /// @inheritdoc IRewardsDEVSEN
    uint256 public constant CAP_BPS = 3_000;
    /// @inheritdoc IRewardsDEVSEN
    uint256 public immutable epochSec;
    /// @inheritdoc IRewardsDEVSEN
    uint256 public immutable genesis;
    /// @inheritdoc IRewardsDEVSEN
    address public immutable payment;
    /// @inheritdoc IRewardsDEVSEN
    address public immutable oracle;
    /// @inheritdoc IRewardsDEVSEN
    address public immutable token;

    /// @inheritdoc IRewardsDEVSEN
    uint256 public reserve;
    mapping(Pot pot => Checkpoints.Trace208) private _budgets;
    mapping(uint48 epoch => uint256[POTS]) private _weights;
    mapping(uint48 epoch => uint256[POTS]) private _granted;
    mapping(uint48 epoch => bool) private _isClosed;
    /// @inheritdoc IRewardsDEVSEN
    mapping(bytes32 key => bool) public isCounted;
    mapping(uint48 epoch => mapping(address occupant => Fees)) private _occupants;
    mapping(uint48 epoch => mapping(address owner => Fees)) private _owners;
    /// @inheritdoc IRewardsDEVSEN
    mapping(uint48 epoch => mapping(address device => mapping(address owner => uint256))) public deviceFees;
    mapping(uint48 epoch => mapping(address device => Uptime)) private _uptimes;
    mapping(bytes32 requestId => UptimeRequest) private _requests;

    /// @param payment_ PaymentDEVSEN.
    /// @param oracle_ OracleDEVSEN.
    /// @param token_ TokenDEVSEN, which must make this contract a minter.
    /// @param epochSec_ Length of an epoch, seconds.
    /// @param budgets Of each pot from epoch 0 on, token base units per epoch.
    constructor(address payment_, address oracle_, address token_, uint256 epochSec_, uint208[POTS] memory budgets) {
        if (payment_ == address(0) || oracle_ == address(0) || token_ == address(0)) revert ZeroAddress();
        if (epochSec_ < 1 minutes || epochSec_ > 366 days) revert BadEpochLength(epochSec_);
        payment = payment_;
        oracle = oracle_;
        token = token_;
        epochSec = epochSec_;
        genesis = block.timestamp;
        for (uint256 i = 0; i < POTS; ++i) {
            _setBudget(Pot(i), 0, budgets[i]);
        }
    }

    /// @inheritdoc IRewardsDEVSEN
    function setBudget(Pot pot, uint256 amount) external {
        address admin = Ownable(IPaymentDEVSEN(payment).users()).owner();
        if (msg.sender != admin) revert NotAdmin(msg.sender);
        _setBudget(pot, currentEpoch() + 1, SafeCast.toUint208(amount));
    }

    /// @inheritdoc IRewardsDEVSEN
    function fund(uint256 amount) external {
        reserve += amount;
        emit Funded(msg.sender, amount);
        ITokenDEVSEN(token).safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IRewardsDEVSEN
    function count(SessionRef[] calldata sessions) external returns (uint256 counted) {
        for (uint256 i = 0; i < sessions.length; ++i) {
            if (_count(sessions[i])) ++counted;
        }
    }

    /// @inheritdoc IRewardsDEVSEN
    function requestUptime(uint48 epoch, address device) external returns (bytes32 requestId) {
        uint256 from = startOf(epoch);
        uint256 to = from + epochSec;
        if (block.timestamp < to) revert EpochNotOver(epoch, to);
        if (!IFactoryDEVSEN(IPaymentDEVSEN(payment).factory()).isDevice(device)) revert NotADevice(device);
        if (_uptimes[epoch][device].known) revert UptimeKnown(epoch, device);

        requestId = IOracleDEVSEN(oracle).request(
            IOracleDEVSEN.Query.Uptime,
            IDeviceDEVSEN(device).deviceId(),
            abi.encode(uint64(from), uint64(to)),
            msg.sender
        );
        _requests[requestId] = UptimeRequest(device, epoch);
        emit UptimeRequested(requestId, epoch, device);
    }

    /// @inheritdoc IOracleConsumer
    function onOracleAnswer(bytes32 requestId, Outcome outcome, bytes calldata answer) external {
        if (msg.sender != oracle) revert NotOracle(msg.sender);
        UptimeRequest memory asked = _requests[requestId];
        if (asked.device == address(0)) revert UnknownRequest(requestId);
        delete _requests[requestId];

        (bool isUptime, uint64 usableSec, uint64 excludedSec) = _readUptime(outcome, answer);
        if (!isUptime) {
            emit UptimeNotAgreed(asked.epoch, asked.device, outcome);
            return;
        }
        // Several may have asked at once: the first answer counts.
        Uptime storage uptime = _uptimes[asked.epoch][asked.device];
        if (uptime.known) return;
        _uptimes[asked.epoch][asked.device] = Uptime(true, usableSec, excludedSec);
        emit UptimeAgreed(asked.epoch, asked.device, usableSec, excludedSec);
    }

    /// @inheritdoc IRewardsDEVSEN
    function claimUptime(uint48 epoch, address[] calldata devices, address earner) external returns (uint256 amount) {
        _close(epoch);
        uint256 unearned;
        for (uint256 i = 0; i < devices.length; ++i) {
            Uptime memory uptime = _uptimes[epoch][devices[i]];
            if (!uptime.known) continue;
            uint256 whole = _share(Pot.Uptime, epoch, deviceFees[epoch][devices[i]][earner]);
            delete deviceFees[epoch][devices[i]][earner];
            uint256 upSec = Math.min(uint256(uptime.usableSec) + uptime.excludedSec, epochSec);
            uint256 part = Math.mulDiv(whole, upSec, epochSec);
            amount += part;
            unearned += whole - part;
        }
        if (amount + unearned == 0) revert NothingToClaim(Pot.Uptime, epoch, earner);
        reserve += unearned;
        _pay(Pot.Uptime, epoch, earner, amount);
    }

    /// @inheritdoc IRewardsDEVSEN
    function claimOccupant(uint48 epoch, address occupant) external returns (uint256 amount) {
        _close(epoch);
        amount = _share(Pot.Occupants, epoch, _weightOf(_occupants[epoch][occupant]));
        if (amount == 0) revert NothingToClaim(Pot.Occupants, epoch, occupant);
        delete _occupants[epoch][occupant];
        _pay(Pot.Occupants, epoch, occupant, amount);
    }

    /// @inheritdoc IRewardsDEVSEN
    function claimBuilder(uint48 epoch, address owner) external returns (uint256 amount) {
        _close(epoch);
        amount = _share(Pot.Builders, epoch, _weightOf(_owners[epoch][owner]));
        if (amount == 0) revert NothingToClaim(Pot.Builders, epoch, owner);
        delete _owners[epoch][owner];
        _pay(Pot.Builders, epoch, owner, amount);
    }

    /// @inheritdoc IRewardsDEVSEN
    function weightOf(Pot pot, uint48 epoch) external view returns (uint256) {
        return _weights[epoch][uint256(pot)];
    }

    /// @inheritdoc IRewardsDEVSEN
    function grantedOf(Pot pot, uint48 epoch) external view returns (uint256) {
        return _granted[epoch][uint256(pot)];
    }

    /// @inheritdoc IRewardsDEVSEN
    function occupantFees(uint48 epoch, address occupant) external view returns (Fees memory) {
        return _occupants[epoch][occupant];
    }

    /// @inheritdoc IRewardsDEVSEN
    function ownerFees(uint48 epoch, address owner) external view returns (Fees memory) {
        return _owners[epoch][owner];
    }

    /// @inheritdoc IRewardsDEVSEN
    function uptimeOf(uint48 epoch, address device) external view returns (Uptime memory) {
        return _uptimes[epoch][device];
    }

    /// @inheritdoc IRewardsDEVSEN
    function currentEpoch() public view returns (uint48) {
        return uint48((block.timestamp - genesis) / epochSec);
    }

    /// @inheritdoc IRewardsDEVSEN
    function startOf(uint48 epoch) public view returns (uint256) {
        return genesis + epoch * epochSec;
    }

    /// @inheritdoc IRewardsDEVSEN
    function budgetOf(Pot pot, uint48 epoch) public view returns (uint256) {
        return _budgets[pot].upperLookup(epoch);
    }

    function _setBudget(Pot pot, uint48 fromEpoch, uint208 amount) private {
        _budgets[pot].push(fromEpoch, amount);
        emit BudgetSet(pot, fromEpoch, amount);
    }

    function _count(SessionRef calldata ref) private returns (bool) {
        bytes32 key = IPaymentDEVSEN(payment).keyOf(ref.device, ref.sessionId);
        if (isCounted[key]) return false;
        IPaymentDEVSEN.Session memory session = IPaymentDEVSEN(payment).sessionOf(key);
        if (session.status != IPaymentDEVSEN.Status.Settled || session.token != token) return false;
        if (session.fee == 0 || session.timestamp < genesis) return false;
        uint48 epoch = uint48((session.timestamp - genesis) / epochSec);
        if (block.timestamp >= _claimableAt(epoch)) return false;

        isCounted[key] = true;
        uint256 fee = session.fee;
        uint256 atDevice = deviceFees[epoch][ref.device][session.payee] += fee;
        uint256[POTS] storage weights = _weights[epoch];
        weights[uint256(Pot.Uptime)] += fee;
        weights[uint256(Pot.Occupants)] += _add(_occupants[epoch][session.occupant], fee, fee);
        weights[uint256(Pot.Builders)] += _add(_owners[epoch][session.payee], fee, atDevice);
        emit Counted(epoch, session.occupant, session.payee, ref.device, key, fee);
        return true;
    }

    /// @dev Adds a fee; `one` is what the session or the charger that it belongs to brought in all.
    /// @return gained By how much the weight grew: not more than the fee, for `largest` never falls.
    function _add(Fees storage stored, uint256 fee, uint256 one) private returns (uint256 gained) {
        Fees memory before = stored;
        Fees memory grown = Fees(
            SafeCast.toUint128(before.fees + fee),
            SafeCast.toUint128(Math.max(before.largest, one))
        );
        stored.fees = grown.fees;
        stored.largest = grown.largest;
        return _weightOf(grown) - _weightOf(before);
    }

    /// @dev Fixes an epoch's sums and sees that what they promise is here. Reverts: NotYetClaimable, and as `mint` if this
    /// contract is no minter and the reserve is too small.
    function _close(uint48 epoch) private {
        if (_isClosed[epoch]) return;
        if (block.timestamp < _claimableAt(epoch)) revert NotYetClaimable(epoch, _claimableAt(epoch));
        uint256[POTS] memory granted;
        uint256 total;
        for (uint256 i = 0; i < POTS; ++i) {
            granted[i] = Math.min((_weights[epoch][i] * CAP_BPS) / ALL_BPS, budgetOf(Pot(i), epoch));
            total += granted[i];
        }
        uint256 mintable = ITokenDEVSEN(token).cap() - ITokenDEVSEN(token).totalSupply();
        uint256 payout = Math.min(total, reserve + mintable);
        if (payout < total) (granted, payout) = _scale(granted, payout, total);

        uint256 fromReserve = Math.min(reserve, payout);
        _isClosed[epoch] = true;
        _granted[epoch] = granted;
        reserve -= fromReserve;
        emit Closed(epoch, granted[0], granted[1], granted[2]);
        if (payout > fromReserve) ITokenDEVSEN(token).mint(address(this), payout - fromReserve);
    }

    function _pay(Pot pot, uint48 epoch, address earner, uint256 amount) private {
        emit Claimed(pot, epoch, earner, amount);
        ITokenDEVSEN(token).safeTransfer(earner, amount);
    }

    /// @dev Rounded down, so all shares together are not more than what was granted.
    function _share(Pot pot, uint48 epoch, uint256 weight) private view returns (uint256) {
        if (weight == 0) return 0;
        return Math.mulDiv(_granted[epoch][uint256(pot)], weight, _weights[epoch][uint256(pot)]);
    }

    function _claimableAt(uint48 epoch) private view returns (uint256) {
        return startOf(epoch) + 2 * epochSec;
    }

    /// @dev An answer that is not two whole numbers of seconds within the period is no uptime.
    function _readUptime(
        Outcome outcome,
        bytes calldata answer
    ) private view returns (bool isUptime, uint64 usableSec, uint64 excludedSec) {
        if (outcome != Outcome.Agreed || answer.length != 64) return (false, 0, 0);
        (uint256 usable, uint256 excluded) = abi.decode(answer, (uint256, uint256));
        if (usable > epochSec || excluded > epochSec) return (false, 0, 0);
        return (true, uint64(usable), uint64(excluded));
    }

    /// @dev When the token's cap leaves too little, every pot gets the same part of what it should have had.
    function _scale(
        uint256[POTS] memory granted,
        uint256 payout,
        uint256 total
    ) private pure returns (uint256[POTS] memory scaled, uint256 sum) {
        for (uint256 i = 0; i < POTS; ++i) {
            scaled[i] = Math.mulDiv(granted[i], payout, total);
            sum += scaled[i];
        }
    }

    function _weightOf(Fees memory fees) private pure returns (uint256) {
        return fees.fees - fees.largest;
    }
}
