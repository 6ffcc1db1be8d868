// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOracleDEVSEN} from "../interfaces/IOracleDEVSEN.sol";

/// @title Calls to contracts that nobody here trusts
/// @notice The callee gets exactly the gas promised, its return data is not copied, and its failure is only a result.
library IsolatedCall {
    /// @dev For what this library itself does between the check and the call.
    uint256 private constant MARGIN = 5000;

    /// @notice Calls `target` with exactly `gasLimit`.
    /// @dev A call passes on at most 63/64 of the gas there is (EIP-150) without saying so when that is less than asked
    /// for; hence the check. Reverts: GasTooLow.
    /// @return success Whether the call did not revert.
    function callWithGas(address target, uint256 gasLimit, bytes memory data) internal returns (bool success) {
        uint256 needed = (gasLimit * 64) / 63 + MARGIN;
        if (gasleft() < needed) revert IOracleDEVSEN.GasTooLow(gasleft(), needed);
        assembly ("memory-safe") {
            success := call(gasLimit, target, 0, add(data, 0x20), mload(data), 0, 0)
        }
    }
}
