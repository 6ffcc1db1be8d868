// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeviceDEVSEN} from "../../contracts/interfaces/IDeviceDEVSEN.sol";
import {IDeviceSessions} from "../../contracts/interfaces/IDeviceSessions.sol";
import {IOracleConsumer} from "../../contracts/interfaces/IOracleConsumer.sol";
import {IPaymentDEVSEN} from "../../contracts/interfaces/IPaymentDEVSEN.sol";
import {RewardsDEVSEN} from "../../contracts/RewardsDEVSEN.sol";
import {TokenDEVSEN} from "../../contracts/TokenDEVSEN.sol";
import {Answers} from "../../contracts/libraries/Answers.sol";
import {Tariffs} from "../../contracts/libraries/Tariffs.sol";
import {Charging} from "./support/Charging.sol";
import {TestToken} from "./support/TestTokens.sol";

/// @title The whole network at work, with books of its own about who said what
/// @dev Seven operators, real `Operator`s all; chargers that are paid in the network's token (18 decimals) and one in a token
/// of 6; a driver with a card, two owners, a treasury, and rewards by the day.
abstract contract SystemWorld is Charging {
    enum Kind {
        Start,
        Result,
        Status,
        Uptime
    }

    /// @dev A request, to whom it went, and what it is about.
    struct Asked {
        bytes32 requestId;
        Kind kind;
        IDeviceDEVSEN device;
        uint16 connector;
        uint256[] operators;
        uint256 faults;
    }

    struct Opened {
        IDeviceDEVSEN device;
        bytes32 sessionId;
    }

    uint256 internal constant OPERATORS = 7;

    TestToken internal cents = new TestToken(6);
    RewardsDEVSEN internal rewards;
    IDeviceDEVSEN[] internal devices;
    Opened[] internal sessions;
    Asked[] internal asked;
    address internal heir = account("heir");
    address internal treasury = account("treasury");

    /// @dev The operators of the current set, by number, and its f.
    uint256[] internal current;
    uint256 internal currentFaults;
    mapping(bytes32 id => bool) private _isKnown;
    mapping(bytes32 requestId => mapping(bytes32 answerHash => uint256 places)) private _givers;
    /// @dev Hashes of (charger, connector, status) that more than f operators stood by.
    mapping(bytes32 said => bool) internal backed;

    constructor() {
        buildCharging();
        for (uint256 i = 4; i < OPERATORS; ++i) addOperator(deployOperator(accountOf(i)));
        useOperators(0, 4);
        TokenDEVSEN network = TokenDEVSEN(deploy("TokenDEVSEN.sol:TokenDEVSEN", abi.encode(this, this, uint256(1e27))));
        token = TestToken(address(network));
        payment.setToken(address(token), true);
        payment.setToken(address(cents), true);
        payment.setFee(100, treasury);
        uint208[3] memory budgets = [uint208(1e20), 1e20, 1e20];
        bytes memory args = abi.encode(payment, oracle, network, 1 days, budgets);
        rewards = RewardsDEVSEN(deploy("RewardsDEVSEN.sol:RewardsDEVSEN", args));
        network.grantRole(network.MINTER_ROLE(), address(rewards));
        users.setUser(heir, users.MANAGER(), 0, false);
        users.setIdTag(CARD, driver);
        fund(driver, 1e24);
        fund(other, 1e24);
        vm.prank(other);
        oracle.allow(address(rewards), type(uint256).max);
        vm.startPrank(driver);
        payment.setCardLimit(CARD, address(token), 15e18, 1e24);
        payment.setCardLimit(CARD, address(cents), 15e6, 1e12);
        vm.stopPrank();
        devices.push(device);
        price(device, address(token), 0.3e18);
        makeDevice();
        price(devices[1], address(cents), 0.3e6);
        vm.warp(START_SEC + 2 hours);
    }

    /// @dev From now on requests go to `size` of the seven, from number `first` on.
    function useOperators(uint256 first, uint256 size) internal {
        address[] memory set = new address[](size);
        delete current;
        for (uint256 i = 0; i < size; ++i) {
            current.push((first + i) % OPERATORS);
            set[i] = accounts[current[i]];
        }
        currentFaults = (size - 1) / 3;
        oracle.setOperatorSet(set, uint8(currentFaults));
    }

    function makeDevice() internal {
        string memory identity = string(abi.encodePacked("SYS-", bytes1(uint8(65 + devices.length))));
        vm.prank(manager);
        IDeviceDEVSEN made = IDeviceDEVSEN(factory.createDevice(newDevice(identity)));
        assertNew(bytes32(uint256(uint160(address(made)))), "address");
        assertNew(made.deviceId(), "device id");
        assertEq(made.number(), devices.length, "number");
        devices.push(made);
        price(made, address(token), 0.2e18);
    }

    /// @dev Prices in proportion to that of a kWh, as in `tariff()`.
    function price(IDeviceDEVSEN at, address inToken, uint256 perKwh) internal {
        Tariffs.Tariff memory next = Tariffs.Tariff(
            inToken,
            uint96(perKwh),
            uint80(perKwh / 30),
            uint96(perKwh * 2),
            uint80(perKwh / 3)
        );
        vm.prank(at.manager());
        at.setTariff(next, 0);
    }

    function keep(Kind kind, IDeviceDEVSEN of_, uint16 connector, bytes32 requestId) internal {
        assertNew(requestId, "request id");
        asked.push(Asked(requestId, kind, of_, connector, current, currentFaults));
    }

    /// @dev One operator answers, and the ledger's count is compared with the one here.
    function give(Asked storage one, uint256 place, bytes memory given) internal {
        if ((oracle.requestOf(one.requestId).answered >> place) & 1 == 1) return;
        bool wasOpen = outcomeOf(one.requestId) == uint256(IOracleConsumer.Outcome.Open);
        uint256 givers = _givers[one.requestId][keccak256(given)] | (1 << place);
        _givers[one.requestId][keccak256(given)] = givers;
        assertTrue(answer(one.operators[place], one.requestId, given), "taken");
        if (!wasOpen) return;
        bool isAgreed = outcomeOf(one.requestId) == uint256(IOracleConsumer.Outcome.Agreed);
        assertTrue(isAgreed == (countOf(givers) == one.faults + 1), "agreed by f + 1, not sooner and not later");
        if (isAgreed && one.kind == Kind.Status) backed[saidOf(one, given)] = true;
    }

    /// @dev What an operator says; `seed` chooses among a few, so that some agree.
    function answerTo(Asked storage one, uint256 seed) internal view returns (bytes memory) {
        uint256 askedAt = oracle.requestOf(one.requestId).askedAt;
        if (one.kind == Kind.Status)
            return abi.encode(IDeviceDEVSEN.Status(seed % 8), uint8(seed % 3), uint64(askedAt), seed % 2 == 0);
        if (one.kind == Kind.Uptime) return abi.encode((seed % 4) * 6 hours, (seed % 3) * 2 hours);
        // Three of five are the plain way of things.
        Answers.Verdict verdict = Answers.Verdict([1, 1, 1, 2, 3, 4, 5][seed % 7]);
        if (one.kind == Kind.Start)
            return abi.encode(verdict, Answers.Reason.None, bytes32(seed), uint64(seed), uint40(askedAt));
        Answers.Result memory result;
        result.verdict = verdict;
        result.stop = Answers.Stop.Local;
        result.connector = uint16(1 + (seed % 2));
        result.energyWh = [uint64(50), 10_000, 20_000, 100_000][(seed / 8) % 4];
        result.startedAt = uint40(askedAt - 1 hours);
        result.endedAt = uint40(askedAt);
        result.idleSec = uint32(seed % 600);
        if (_isCard(one.requestId)) result.idTag = CARD;
        return abi.encode(result);
    }

    /// @dev An id is never given twice, whatever it is an id of.
    function assertNew(bytes32 id, string memory what) internal {
        assertTrue(!_isKnown[id], what);
        _isKnown[id] = true;
    }

    function escrowOf(Opened memory one) internal view returns (IPaymentDEVSEN.Session memory) {
        return payment.sessionOf(payment.keyOf(address(one.device), one.sessionId));
    }

    function stateOf(Opened memory one) internal view returns (IDeviceSessions.SessionState) {
        return one.device.sessionOf(one.sessionId).state;
    }

    function saidOf(Asked storage one, bytes memory given) private view returns (bytes32) {
        (IDeviceDEVSEN.Status status, uint8 errorClass, uint64 observedAt, bool online) = abi.decode(
            given,
            (IDeviceDEVSEN.Status, uint8, uint64, bool)
        );
        uint40 askedAt = oracle.requestOf(one.requestId).askedAt;
        return
            keccak256(
                abi.encode(
                    one.device,
                    one.connector,
                    IDeviceDEVSEN.AgreedStatus(status, errorClass, online, uint40(observedAt), askedAt)
                )
            );
    }

    /// @dev Whether the request asks about a session that a card may have opened: those have ids below 32.
    function _isCard(bytes32 requestId) private view returns (bool) {
        return isCardRequest[requestId];
    }

    function countOf(uint256 bits) private pure returns (uint256 count) {
        for (; bits != 0; bits >>= 1) count += bits & 1;
    }

    mapping(bytes32 requestId => bool) internal isCardRequest;
}
