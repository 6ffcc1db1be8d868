// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What a contract that asks the oracles is told
interface IOracleConsumer {
    /// @notice How a request ended.
    /// @dev Open is 0. Agreed: enough operators gave the same answer. Disputed: all answered and too few agreed. Expired: too
    /// few answered before the deadline, and the LINK of the silent ones went back to the account that paid.
    enum Outcome {
        Open,
        Agreed,
        Disputed,
        Expired
    }

    /// @notice Called once per request, by the ledger only, with at most `CALLBACK_GAS` of gas.
    /// @dev If it reverts, the ledger says so in an event and goes on: the answer is not sent again. The ledger is locked
    /// meanwhile: whoever wants to ask again does so in a later tx, as asking from within reverts.
    /// @param requestId What `request` returned.
    /// @param outcome How the request ended; never Open.
    /// @param answer The agreed bytes if Agreed, else empty.
    function onOracleAnswer(bytes32 requestId, Outcome outcome, bytes calldata answer) external;
}
