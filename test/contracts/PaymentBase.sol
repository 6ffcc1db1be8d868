// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FactoryDEVSEN} from "../../contracts/FactoryDEVSEN.sol";
import {IDeviceDEVSEN} from "../../contracts/interfaces/IDeviceDEVSEN.sol";
import {IPaymentDEVSEN} from "../../contracts/interfaces/IPaymentDEVSEN.sol";
import {PaymentDEVSEN} from "../../contracts/PaymentDEVSEN.sol";
import {UserDEVSEN} from "../../contracts/UserDEVSEN.sol";
import {Test} from "./support/Test.sol";
import {TestDevice} from "./support/TestDevice.sol";
import {TestToken} from "./support/TestTokens.sol";

/// @notice A vault with the real users and factory, one charger, an owner, a driver and a token.
abstract contract PaymentBase is Test {
    uint256 internal constant NOW = 1_800_000_000;
    uint256 internal constant DEADLINE = NOW + 1 hours;
    bytes32 internal constant SESSION = bytes32(uint256(1));
    bytes32 internal constant CARD = keccak256("card");

    address internal admin = address(this);
    address internal owner = account("owner");
    address internal driver = account("driver");
    address internal other = account("other");
    address internal treasury = account("treasury");

    UserDEVSEN internal users;
    FactoryDEVSEN internal factory;
    PaymentDEVSEN internal payment;
    TestDevice internal device;
    TestToken internal token;

    function setUp() public virtual {
        vm.warp(NOW);
        users = UserDEVSEN(deploy("UserDEVSEN.sol:UserDEVSEN", abi.encode(admin)));
        payment = PaymentDEVSEN(deploy("PaymentDEVSEN.sol:PaymentDEVSEN", abi.encode(users)));
        address code = address(new TestDevice(payment));
        factory = FactoryDEVSEN(deploy("FactoryDEVSEN.sol:FactoryDEVSEN", abi.encode(users, code)));
        payment.setFactory(address(factory));
        users.setUser(owner, users.MANAGER(), 0, false);
        users.setUser(driver, users.OCCUPANT(), 0, false);
        device = makeDevice(owner, "CP-1");
        token = new TestToken(18);
        payment.setToken(address(token), true);
    }

    function makeDevice(address manager, string memory identity) internal returns (TestDevice) {
        IDeviceDEVSEN.NewDevice memory newDevice;
        newDevice.identity = identity;
        vm.prank(manager);
        return TestDevice(factory.createDevice(newDevice));
    }

    /// @dev Gives an account tokens and deposits them for it.
    function fund(address holder, uint256 amount) internal {
        fund(address(token), holder, amount);
    }

    /// @dev Works for every test token: all have `mint`, and those without `approve` need none.
    function fund(address token_, address holder, uint256 amount) internal {
        TestToken(token_).mint(holder, amount);
        vm.startPrank(holder);
        (bool approved, ) = token_.call(abi.encodeCall(TestToken(token_).approve, (address(payment), amount)));
        approved;
        payment.deposit(token_, amount, holder);
        vm.stopPrank();
    }

    function lock(uint256 amount) internal returns (bytes32 key) {
        return device.lock(SESSION, driver, address(token), amount, DEADLINE);
    }

    function free(address holder) internal view returns (uint256) {
        return payment.freeOf(address(token), holder);
    }

    function assertSession(
        bytes32 key,
        IPaymentDEVSEN.Status status,
        address payee,
        uint256 amount,
        uint256 fee,
        uint256 timestamp
    ) internal view {
        IPaymentDEVSEN.Session memory session = payment.sessionOf(key);
        assertEq(uint256(session.status), uint256(status), "status");
        assertEq(session.occupant, driver, "occupant");
        assertEq(session.payee, payee, "payee");
        assertEq(session.token, address(token), "token");
        assertEq(session.amount, amount, "amount");
        assertEq(session.fee, fee, "fee");
        assertEq(session.timestamp, timestamp, "timestamp");
    }

    function assertFree(address holder, uint256 expected) internal view {
        assertEq(free(holder), expected, "free");
    }
}
