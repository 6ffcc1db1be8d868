// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOracleConsumer} from "../../contracts/interfaces/IOracleConsumer.sol";
import {IOracleDEVSEN} from "../../contracts/interfaces/IOracleDEVSEN.sol";

/// @title A consumer that measures how much gas its callback is given
contract GasMeter is IOracleConsumer {
    IOracleDEVSEN private immutable _oracle;

    /// @notice Gas that the last callback began with; 0 before the first.
    uint256 public gasGiven;

    /// @param oracle OracleDEVSEN.
    constructor(IOracleDEVSEN oracle) {
        _oracle = oracle;
    }

    /// @notice Asks for a connector's status at this contract's cost.
    function ask(bytes32 deviceId, uint16 connector) external returns (bytes32 requestId) {
        bytes memory params = abi.encode(connector);
        return _oracle.request(IOracleDEVSEN.Query.ChargerStatus, deviceId, params, address(this));
    }

    /// @inheritdoc IOracleConsumer
    function onOracleAnswer(bytes32, Outcome, bytes calldata) external {
        gasGiven = gasleft();
    }
}
