// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OracleHandler} from "./OracleHandler.sol";
import {Test} from "./support/Test.sol";

contract OracleInvariantsTest is Test {
    OracleHandler private _handler;

    function setUp() external {
        _handler = new OracleHandler();
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](6);
        selectors[0] = OracleHandler.fundOne.selector;
        selectors[1] = OracleHandler.withdraw.selector;
        selectors[2] = OracleHandler.askOne.selector;
        selectors[3] = OracleHandler.answerOne.selector;
        selectors[4] = OracleHandler.expireOne.selector;
        selectors[5] = OracleHandler.changeSet.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(_handler), selectors);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @dev LINK of open requests lies at the operators, so the ledger holds exactly what the accounts say.
    function invariant_holdsItsAccountsAndAgreesByMoreThanFAndTellsEveryConsumerOnce() external view {
        assertTrue(_handler.surplusJuels() == 0, "surplus");
        _handler.checkRequests();
    }
}
