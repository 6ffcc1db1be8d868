// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DeviceControl} from "./DeviceControl.sol";
import {DeviceInfo} from "./DeviceInfo.sol";
import {DeviceSessions} from "./DeviceSessions.sol";
import {IOracleConsumer} from "./interfaces/IOracleConsumer.sol";

/// @title One charger
/// @dev The factory's clones run this code; each has its id behind the clone's own code.
contract DeviceDEVSEN is DeviceSessions, DeviceControl {
    /// @param oracle_ OracleDEVSEN.
    /// @param payment_ PaymentDEVSEN.
    constructor(address oracle_, address payment_) DeviceInfo(oracle_, payment_) {}

    /// @inheritdoc IOracleConsumer
    function onOracleAnswer(bytes32 requestId, Outcome outcome, bytes calldata answer) external {
        if (msg.sender != oracle) revert NotOracle(msg.sender);
        bool isTaken =
            _takeStart(requestId, outcome, answer) ||
                _takeResult(requestId, outcome, answer) ||
                _takeStatus(requestId, outcome, answer) ||
                _takeControl(requestId, outcome, answer);
        if (!isTaken) revert UnknownRequest(requestId);
    }
}
