// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Chainlink, ChainlinkClient} from "@chainlink/contracts/src/v0.8/operatorforwarder/ChainlinkClient.sol";

/// @title The floor of the gas benchmark: the plainest consumer of several Chainlink oracles
/// @notice Asks every oracle with Chainlink's own client and keeps the first answer that `needed` of them gave. No accounts,
/// no deadline, no record of the oracles, no late answers, no callback to anybody else.
contract PlainConsumer is ChainlinkClient {
    using Chainlink for Chainlink.Request;

    address[] private _oracles;
    uint256 private _needed;
    bytes32 private _specId;
    uint256 private _feeJuels;

    uint256 private _round;
    mapping(bytes32 requestId => uint256 round) private _roundOf;
    mapping(uint256 round => mapping(bytes32 answerHash => uint256 givers)) private _givers;

    /// @notice The last answer given often enough.
    bytes public latest;

    /// @param link LINK, of which this contract needs some.
    constructor(address link, address[] memory oracles, uint256 needed, bytes32 specId, uint256 feeJuels) {
        _setChainlinkToken(link);
        _oracles = oracles;
        _needed = needed;
        _specId = specId;
        _feeJuels = feeJuels;
    }

    /// @notice Asks every oracle.
    function request(bytes32 deviceId, bytes calldata params) external {
        uint256 round = ++_round;
        for (uint256 i = 0; i < _oracles.length; ++i) {
            Chainlink.Request memory req = _buildOperatorRequest(_specId, this.fulfil.selector);
            req._addBytes("deviceId", abi.encode(deviceId));
            req._addUint("asOf", block.timestamp);
            req._addBytes("params", params);
            _roundOf[_sendOperatorRequestTo(_oracles[i], req, _feeJuels)] = round;
        }
    }

    /// @notice One oracle's answer.
    function fulfil(bytes32 requestId, bytes calldata answer) external recordChainlinkFulfillment(requestId) {
        uint256 givers = ++_givers[_roundOf[requestId]][keccak256(answer)];
        if (givers == _needed) latest = answer;
    }
}
