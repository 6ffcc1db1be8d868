// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OperatorInterface} from "@chainlink/contracts/src/v0.8/operatorforwarder/interfaces/OperatorInterface.sol";
import {IAuthorizedReceiver} from "@chainlink/contracts/src/v0.8/operatorforwarder/interfaces/IAuthorizedReceiver.sol";
import {LinkToken} from "@chainlink/contracts/src/v0.8/shared/token/ERC677/LinkToken.sol";
import {FactoryDEVSEN} from "../../../contracts/FactoryDEVSEN.sol";
import {IDeviceDEVSEN} from "../../../contracts/interfaces/IDeviceDEVSEN.sol";
import {IOracleConsumer} from "../../../contracts/interfaces/IOracleConsumer.sol";
import {IOracleDEVSEN} from "../../../contracts/interfaces/IOracleDEVSEN.sol";
import {OracleDEVSEN} from "../../../contracts/OracleDEVSEN.sol";
import {PaymentDEVSEN} from "../../../contracts/PaymentDEVSEN.sol";
import {UserDEVSEN} from "../../../contracts/UserDEVSEN.sol";
import {Test} from "./Test.sol";

/// @title The network's contracts with real LINK and real Chainlink Operators; the test itself is the admin
abstract contract World is Test {
    uint256 internal constant START_SEC = 1_750_000_000;
    uint96 internal constant FEE_JUELS = 0.1e18;
    bytes32 internal constant SPEC_ID = "0de75e00c4a94e578a70000000000001";
    bytes32 internal constant DEVICE_ID = keccak256("CP-1");
    IOracleDEVSEN.Query internal constant STATUS = IOracleDEVSEN.Query.ChargerStatus;

    LinkToken internal link;
    UserDEVSEN internal users;
    OracleDEVSEN internal oracle;
    PaymentDEVSEN internal payment;
    FactoryDEVSEN internal factory;
    IDeviceDEVSEN internal device;
    /// @dev Operators by number: account (which also sends answers) and `Operator` contract.
    address[] internal accounts;
    address[] internal oracles;

    address internal manager = account("manager");
    address internal asker = account("asker");

    /// @dev `size` operators of which `faults` may lie, one charger `CP-1` of `manager`, and `asker` with 100 LINK.
    function build(uint256 size, uint8 faults) internal {
        vm.warp(START_SEC);
        link = new LinkToken();
        link.grantMintRole(address(this));
        users = UserDEVSEN(deploy("UserDEVSEN.sol:UserDEVSEN", abi.encode(this)));
        oracle = OracleDEVSEN(deploy("OracleDEVSEN.sol:OracleDEVSEN", abi.encode(users, link)));
        payment = PaymentDEVSEN(deploy("PaymentDEVSEN.sol:PaymentDEVSEN", abi.encode(users)));
        address code = deploy("DeviceDEVSEN.sol:DeviceDEVSEN", abi.encode(oracle, payment));
        factory = FactoryDEVSEN(deploy("FactoryDEVSEN.sol:FactoryDEVSEN", abi.encode(users, code)));
        oracle.setFactory(address(factory));
        payment.setFactory(address(factory));
        for (uint256 i = 0; i < size; ++i) {
            addOperator(deployOperator(accountOf(i)));
        }
        oracle.setOperatorSet(accounts, faults);
        oracle.setTerms(STATUS, IOracleDEVSEN.Terms(SPEC_ID, FEE_JUELS));

        users.setUser(manager, users.MANAGER(), 0, false);
        vm.prank(manager);
        device = IDeviceDEVSEN(factory.createDevice(newDevice("CP-1")));
        fund(asker, 100e18);
    }

    function accountOf(uint256 number) internal pure returns (address) {
        return vm.addr(1000 + number);
    }

    /// @dev A real `Operator` of `owner`, who also answers for it.
    function deployOperator(address owner) internal returns (address operator) {
        operator = deploy("Operator.sol:Operator", abi.encode(link, owner));
        address[] memory senders = new address[](1);
        senders[0] = owner;
        vm.prank(owner);
        IAuthorizedReceiver(operator).setAuthorizedSenders(senders);
    }

    /// @dev Makes the next operator, with this contract as its `Operator`.
    function addOperator(address operator) internal {
        uint256 number = accounts.length;
        accounts.push(accountOf(number));
        oracles.push(operator);
        users.setOperator(accountOf(number), operator, vm.addr(2000 + number));
    }

    function fund(address owner, uint256 juels) internal {
        link.mint(address(this), juels);
        link.transferAndCall(address(oracle), juels, abi.encode(owner));
    }

    function newDevice(string memory identity) internal pure returns (IDeviceDEVSEN.NewDevice memory made) {
        made.identity = identity;
        made.latitudeE7 = 481_371_079;
        made.longitudeE7 = 115_753_822;
        made.authorizationKeyHash = keccak256("key");
        made.connectors = new IDeviceDEVSEN.Connector[](2);
        made.connectors[0] = IDeviceDEVSEN.Connector(1, 28, 1, 4, 22_000);
        made.connectors[1] = IDeviceDEVSEN.Connector(2, 30, 2, 5, 150_000);
    }

    function ask() internal returns (bytes32 requestId) {
        return askAs(asker);
    }

    function askAs(address consumer) internal returns (bytes32 requestId) {
        vm.prank(consumer);
        return oracle.request(STATUS, DEVICE_ID, abi.encode(uint16(1)), consumer);
    }

    /// @dev An operator answers through its real `Operator`, as a Chainlink node does. Returns whether the ledger took it.
    function answer(uint256 number, bytes32 requestId, bytes memory given) internal returns (bool taken) {
        uint256 expiration = oracle.requestOf(requestId).askedAt + oracle.DEADLINE_SEC();
        vm.prank(accounts[number]);
        return
            OperatorInterface(oracles[number]).fulfillOracleRequest2(
                requestId,
                FEE_JUELS,
                address(oracle),
                IOracleDEVSEN.fulfil.selector,
                expiration,
                abi.encode(requestId, given)
            );
    }

    /// @dev The ledger's id of the n-th request, from 1.
    function requestIdOf(uint256 nonce) internal view returns (bytes32) {
        return keccak256(abi.encodePacked(address(oracle), nonce));
    }

    function outcomeOf(bytes32 requestId) internal view returns (uint256) {
        return uint256(oracle.requestOf(requestId).outcome);
    }

    function assertOutcome(bytes32 requestId, IOracleConsumer.Outcome expected) internal view {
        assertEq(outcomeOf(requestId), uint256(expected), "outcome");
    }

    function assertRecord(uint256 number, uint256 agreed, uint256 disagreed, uint256 missed) internal view {
        (uint64 didAgree, uint64 didDisagree, uint64 didMiss) = oracle.operatorRecord(oracles[number]);
        assertEq(didAgree, agreed, "agreed");
        assertEq(didDisagree, disagreed, "disagreed");
        assertEq(didMiss, missed, "missed");
    }
}
