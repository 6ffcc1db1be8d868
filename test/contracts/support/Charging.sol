// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeviceDEVSEN} from "../../../contracts/interfaces/IDeviceDEVSEN.sol";
import {IDeviceSessions} from "../../../contracts/interfaces/IDeviceSessions.sol";
import {IOracleDEVSEN} from "../../../contracts/interfaces/IOracleDEVSEN.sol";
import {IPaymentDEVSEN} from "../../../contracts/interfaces/IPaymentDEVSEN.sol";
import {Answers} from "../../../contracts/libraries/Answers.sol";
import {Tariffs} from "../../../contracts/libraries/Tariffs.sol";
import {TestToken} from "./TestTokens.sol";
import {World} from "./World.sol";

/// @title The network with a vault, a token, an occupant with 1,000 tokens and 100 LINK, and a charger with a tariff
/// @dev Tariff 1: 0.30 a kWh, 0.01 a minute of charging, 0.50 a session, 0.10 a minute of idling. Connector 1 gives 22 kW.
abstract contract Charging is World {
    uint96 internal constant DEPOSIT = 20e18;
    bytes32 internal constant CARD = keccak256("card");

    TestToken internal token;
    address internal driver = account("driver");
    address internal other = account("other");

    function buildCharging() internal {
        build(4, 1);
        for (uint8 query = 1; query <= uint8(type(IOracleDEVSEN.Query).max); ++query) {
            oracle.setTerms(IOracleDEVSEN.Query(query), IOracleDEVSEN.Terms(SPEC_ID, FEE_JUELS));
        }
        token = new TestToken(18);
        payment.setToken(address(token), true);
        users.setUser(driver, users.OCCUPANT(), 0, false);
        deposit(driver, 1_000e18);
        address[4] memory askers = [driver, manager, asker, other];
        for (uint256 i = 0; i < 4; ++i) {
            fund(askers[i], 100e18);
            vm.prank(askers[i]);
            oracle.allow(address(factory), type(uint256).max);
        }
        vm.prank(manager);
        device.setTariff(tariff(), 0);
    }

    function tariff() internal view returns (Tariffs.Tariff memory) {
        return Tariffs.Tariff(address(token), 0.3e18, 0.01e18, 0.5e18, 0.1e18);
    }

    function deposit(address holder, uint256 amount) internal {
        token.mint(holder, amount);
        vm.startPrank(holder);
        token.approve(address(payment), amount);
        payment.deposit(address(token), amount, holder);
        vm.stopPrank();
    }

    function start() internal returns (bytes32 sessionId) {
        vm.prank(driver);
        return device.startCharge(1, DEPOSIT, 1, driver);
    }

    /// @dev A session that charges since now.
    function active() internal returns (bytes32 sessionId) {
        sessionId = start();
        agree(sessionId, abi.encode(started()));
    }

    function askResult(bytes32 sessionId) internal returns (bytes32 requestId) {
        vm.prank(other);
        return device.requestSessionResult(sessionId, other);
    }

    /// @dev The oracles agree on what became of a session.
    function tell(bytes32 sessionId, Answers.Result memory result) internal {
        agree(askResult(sessionId), abi.encode(result));
    }

    /// @dev Two of four operators give the same answer.
    function agree(bytes32 requestId, bytes memory given) internal {
        answer(0, requestId, given);
        answer(1, requestId, given);
    }

    function dispute(bytes32 requestId) internal {
        for (uint256 i = 0; i < 4; ++i) answer(i, requestId, abi.encode(i));
    }

    function started() internal view returns (Answers.Started memory) {
        return
            Answers.Started(
                Answers.Verdict.Done,
                Answers.Reason.None,
                bytes32(uint256(7)),
                1_000_000,
                uint40(block.timestamp)
            );
    }

    /// @dev An hour of 10 kWh that ends now; 10 minutes of it idle. Costs 0.50 + 3.00 + 0.50 + 1.00 = 5.00.
    function hour() internal view returns (Answers.Result memory result) {
        result.verdict = Answers.Verdict.Done;
        result.stop = Answers.Stop.EVDisconnected;
        result.connector = 1;
        result.energyWh = 10_000;
        result.startedAt = uint40(block.timestamp - 1 hours);
        result.endedAt = uint40(block.timestamp);
        result.idleSec = 10 minutes;
        result.evidence = keccak256("events");
    }

    function verdictOnly(
        Answers.Verdict verdict,
        Answers.Reason reason
    ) internal pure returns (Answers.Result memory result) {
        (result.verdict, result.reason) = (verdict, reason);
    }

    function passHour() internal {
        vm.warp(block.timestamp + 1 hours);
    }

    function stateOf(bytes32 sessionId) internal view returns (IDeviceSessions.SessionState) {
        return device.sessionOf(sessionId).state;
    }

    function escrowOf(bytes32 sessionId) internal view returns (IPaymentDEVSEN.Session memory) {
        return payment.sessionOf(payment.keyOf(address(device), sessionId));
    }

    function assertState(bytes32 sessionId, IDeviceSessions.SessionState expected) internal view {
        assertEq(uint256(stateOf(sessionId)), uint256(expected), "state");
    }

    function assertEscrow(bytes32 sessionId, IPaymentDEVSEN.Status expected) internal view {
        assertEq(uint256(escrowOf(sessionId).status), uint256(expected), "escrow");
    }

    /// @dev What driver and manager have free, and that the vault holds just that and the locks.
    function assertFree(uint256 ofDriver, uint256 ofManager, uint256 locked) internal view {
        assertEq(payment.freeOf(address(token), driver), ofDriver, "driver");
        assertEq(payment.freeOf(address(token), manager), ofManager, "manager");
        assertEq(payment.heldOf(address(token)), ofDriver + ofManager + locked, "held");
    }
}
