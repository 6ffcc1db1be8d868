// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOracleDEVSEN} from "../../contracts/interfaces/IOracleDEVSEN.sol";
import {OracleDEVSEN} from "../../contracts/OracleDEVSEN.sol";
import {World} from "./support/World.sol";

contract OracleAdminTest is World {
    address private _stranger = account("stranger");

    function setUp() external {
        build(4, 1);
    }

    function test_isMadeOverUsersAndLinkOnly() external {
        vm.expectRevert(IOracleDEVSEN.ZeroAddress.selector);
        new OracleDEVSEN(address(0), address(link));
        vm.expectRevert(IOracleDEVSEN.ZeroAddress.selector);
        new OracleDEVSEN(address(users), address(0));
    }

    function test_obeysTheAdminOfUsersOnly() external {
        bytes memory refused = abi.encodeWithSelector(IOracleDEVSEN.NotAdmin.selector, _stranger);
        vm.startPrank(_stranger);
        vm.expectRevert(refused);
        oracle.setFactory(address(factory));
        vm.expectRevert(refused);
        oracle.setOperatorSet(accounts, 1);
        vm.expectRevert(refused);
        oracle.setTerms(STATUS, IOracleDEVSEN.Terms(SPEC_ID, 0));
        vm.stopPrank();

        users.transferOwnership(_stranger);
        vm.startPrank(_stranger);
        users.acceptOwnership();
        oracle.setTerms(STATUS, IOracleDEVSEN.Terms(SPEC_ID, 0));
        assertEq(oracle.quoteJuels(STATUS), 0, "quote");
    }

    function test_takesItsFactoryOnce() external {
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.FactoryAlreadySet.selector, address(factory)));
        oracle.setFactory(_stranger);

        OracleDEVSEN fresh = new OracleDEVSEN(address(users), address(link));
        vm.expectRevert(IOracleDEVSEN.ZeroAddress.selector);
        fresh.setFactory(address(0));
    }

    function test_setsTermsAndTakesAQueryOff() external {
        vm.expectEmit(address(oracle));
        emit IOracleDEVSEN.TermsSet(STATUS, SPEC_ID, 5);
        oracle.setTerms(STATUS, IOracleDEVSEN.Terms(SPEC_ID, 5));
        assertEq(oracle.terms(STATUS).feeJuels, 5, "fee");
        assertEq(oracle.terms(STATUS).specId, SPEC_ID, "spec id");
        assertEq(oracle.quoteJuels(STATUS), 20, "quote");

        oracle.setTerms(STATUS, IOracleDEVSEN.Terms(0, 5));
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.NotOffered.selector, STATUS));
        oracle.quoteJuels(STATUS);
    }

    function test_offersNoQueryNone() external {
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.NotOffered.selector, IOracleDEVSEN.Query.None));
        oracle.setTerms(IOracleDEVSEN.Query.None, IOracleDEVSEN.Terms(SPEC_ID, 5));
    }

    function test_listsTheOperatorsOfEverySet() external {
        addOperator(deployOperator(accountOf(4)));
        vm.expectEmit(address(oracle));
        emit IOracleDEVSEN.OperatorSetChanged(2, oracles, 1);
        assertEq(oracle.setOperatorSet(accounts, 1), 2, "set id");

        assertEq(oracle.operatorSetId(), 2, "current set");
        (address[] memory first, uint8 faults) = oracle.operatorSet(1);
        (address[] memory second, ) = oracle.operatorSet(2);
        (address[] memory none, ) = oracle.operatorSet(3);
        assertEq(first.length, 4, "first");
        assertEq(faults, 1, "faults");
        assertEq(second.length, 5, "second");
        assertEq(none.length, 0, "none");
        for (uint256 i = 0; i < 5; ++i) {
            assertEq(second[i], oracles[i], "operator");
            if (i < 4) assertEq(first[i], oracles[i], "operator");
        }
    }

    function test_refusesASetTooSmallForItsFaultsOrTooLarge() external {
        refuseSet(accounts, 0);
        refuseSet(accounts, 2);
        refuseSet(new address[](0), 1);
        refuseSet(new address[](23), 1);
    }

    function test_refusesWhoIsNoActiveOperator() external {
        accounts[2] = _stranger;
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.NotAnOperator.selector, _stranger));
        oracle.setOperatorSet(accounts, 1);

        accounts[2] = accountOf(2);
        users.setUser(accounts[2], users.OPERATOR(), 0, true);
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.NotAnOperator.selector, accounts[2]));
        oracle.setOperatorSet(accounts, 1);
    }

    function test_refusesAnOperatorTwice() external {
        accounts[3] = accounts[0];
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.OperatorTwice.selector, accounts[0]));
        oracle.setOperatorSet(accounts, 1);
    }

    function test_putsLinkIntoTheAccountOfWhoSentItOrOfWhomItNames() external {
        link.mint(address(this), 3e18);
        vm.expectEmit(address(oracle));
        emit IOracleDEVSEN.Funded(address(this), 1e18);
        link.transferAndCall(address(oracle), 1e18, "");
        link.transferAndCall(address(oracle), 2e18, abi.encode(_stranger));
        assertEq(oracle.accountJuels(address(this)), 1e18, "own");
        assertEq(oracle.accountJuels(_stranger), 2e18, "another's");
    }

    function test_refusesLinkWithOtherData() external {
        link.mint(address(this), 1e18);
        vm.expectRevert(IOracleDEVSEN.BadTransferData.selector);
        link.transferAndCall(address(oracle), 1e18, hex"00");
        vm.expectRevert(IOracleDEVSEN.BadTransferData.selector);
        link.transferAndCall(address(oracle), 1e18, abi.encode(type(uint256).max));
    }

    function test_takesLinkFromTheLinkTokenOnly() external {
        vm.prank(_stranger);
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.NotLink.selector, _stranger));
        oracle.onTokenTransfer(_stranger, 1e18, "");
    }

    function test_givesLinkBackToWhomItsOwnerSays() external {
        vm.startPrank(asker);
        vm.expectEmit(address(oracle));
        emit IOracleDEVSEN.Withdrawn(asker, _stranger, 40e18);
        oracle.withdraw(_stranger, 40e18);
        assertEq(link.balanceOf(_stranger), 40e18, "received");
        assertEq(oracle.accountJuels(asker), 60e18, "account");

        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.AccountTooLow.selector, asker, 60e18, 60e18 + 1));
        oracle.withdraw(_stranger, 60e18 + 1);
        vm.expectRevert(IOracleDEVSEN.ZeroAddress.selector);
        oracle.withdraw(address(0), 1);
    }

    function test_keepsWhatWasAllowed() external {
        vm.prank(asker);
        vm.expectEmit(address(oracle));
        emit IOracleDEVSEN.AllowanceSet(asker, _stranger, 5);
        oracle.allow(_stranger, 5);
        assertEq(oracle.allowanceJuels(asker, _stranger), 5, "allowance");
    }

    function refuseSet(address[] memory set, uint8 faults) private {
        vm.expectRevert(abi.encodeWithSelector(IOracleDEVSEN.BadOperatorSet.selector, set.length, faults));
        oracle.setOperatorSet(set, faults);
    }
}
