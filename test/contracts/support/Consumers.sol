// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOracleConsumer} from "../../../contracts/interfaces/IOracleConsumer.sol";
import {IOracleDEVSEN} from "../../../contracts/interfaces/IOracleDEVSEN.sol";

/// @dev Remembers what it was told, how often, and how much gas it was given.
contract RecordingConsumer is IOracleConsumer {
    uint256 public told;
    uint256 public gasGiven;
    bytes32 public requestId;
    Outcome public outcome;
    bytes public answer;

    function onOracleAnswer(bytes32 requestId_, Outcome outcome_, bytes calldata answer_) external {
        gasGiven = gasleft();
        ++told;
        (requestId, outcome, answer) = (requestId_, outcome_, answer_);
    }
}

contract RevertingConsumer is IOracleConsumer {
    function onOracleAnswer(bytes32, Outcome, bytes calldata) external pure {
        revert("no");
    }
}

contract GasBurningConsumer is IOracleConsumer {
    function onOracleAnswer(bytes32, Outcome, bytes calldata) external pure {
        while (true) {}
    }
}

/// @dev Returns as much memory as its gas can buy, to make the caller pay for copying it.
contract ReturnBombConsumer is IOracleConsumer {
    function onOracleAnswer(bytes32, Outcome, bytes calldata) external pure {
        assembly {
            return(0, 200000)
        }
    }
}

/// @dev Tries to get back into the ledger from its callback by every way in.
contract ReenteringConsumer is IOracleConsumer {
    IOracleDEVSEN private immutable _oracle;
    uint256 public attempts;
    uint256 public successes;

    constructor(IOracleDEVSEN oracle) {
        _oracle = oracle;
    }

    function onOracleAnswer(bytes32 requestId, Outcome, bytes calldata answer) external {
        bytes[4] memory calls = [
            abi.encodeCall(IOracleDEVSEN.fulfil, (requestId, answer)),
            abi.encodeCall(IOracleDEVSEN.expire, (requestId)),
            abi.encodeCall(IOracleDEVSEN.withdraw, (address(this), 1)),
            abi.encodeCall(
                IOracleDEVSEN.request,
                (IOracleDEVSEN.Query.ChargerStatus, keccak256("CP-1"), answer, address(this))
            )
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            ++attempts;
            (bool success, ) = address(_oracle).call(calls[i]);
            if (success) ++successes;
        }
    }
}
