// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOracleConsumer} from "../../../contracts/interfaces/IOracleConsumer.sol";
import {IOracleDEVSEN} from "../../../contracts/interfaces/IOracleDEVSEN.sol";

/// @notice Takes requests as the ledger does, and gives the answer that the test wants.
contract TestOracle {
    struct Asked {
        IOracleDEVSEN.Query query;
        bytes32 deviceId;
        bytes params;
        address payer;
        address consumer;
    }

    uint256 private _nonce;
    mapping(bytes32 requestId => Asked) private _asked;

    function request(
        IOracleDEVSEN.Query query,
        bytes32 deviceId,
        bytes calldata params,
        address payer
    ) external returns (bytes32 requestId) {
        requestId = keccak256(abi.encodePacked(address(this), _nonce++));
        _asked[requestId] = Asked(query, deviceId, params, payer, msg.sender);
    }

    function answer(bytes32 requestId, IOracleConsumer.Outcome outcome, bytes memory answer_) public {
        IOracleConsumer(_asked[requestId].consumer).onOracleAnswer(requestId, outcome, answer_);
    }

    function agree(bytes32 requestId, uint256 usableSec, uint256 excludedSec) external {
        answer(requestId, IOracleConsumer.Outcome.Agreed, abi.encode(usableSec, excludedSec));
    }

    function asked(bytes32 requestId) external view returns (Asked memory) {
        return _asked[requestId];
    }
}
