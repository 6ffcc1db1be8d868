// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOracleConsumer} from "../../contracts/interfaces/IOracleConsumer.sol";
import {RecordingConsumer} from "./support/Consumers.sol";
import {HostileOperator} from "./support/Operators.sol";
import {World} from "./support/World.sol";

/// @title What an invariant test of the ledger does: anything anyone may do, in any order
/// @dev Seven operators that stand in sets of four to seven; the seventh keeps the LINK it was paid when cancelled.
contract OracleHandler is World {
    uint256 private constant WORDS = 3;

    RecordingConsumer[] public consumers;
    bytes32[] public requests;
    /// @dev Per request: operators of its set by number, bits of those that gave each word, and who was asked in all.
    mapping(bytes32 requestId => uint256[]) private _asked;
    mapping(bytes32 requestId => uint256[WORDS]) private _givers;
    uint256[] private _current;

    constructor() {
        build(6, 1);
        addOperator(address(new HostileOperator(oracle, HostileOperator.Way.Idle, HostileOperator.Way.Revert)));
        for (uint256 i = 0; i < 3; ++i) {
            consumers.push(new RecordingConsumer());
            fund(address(consumers[i]), 10e18);
        }
        changeSet(0, 7);
    }

    function fundOne(uint256 who, uint256 juels) external {
        fund(consumerAt(who), bound(juels, 0, 1e18));
    }

    function withdraw(uint256 who, uint256 juels) external {
        address owner = consumerAt(who);
        juels = bound(juels, 0, oracle.accountJuels(owner));
        vm.prank(owner);
        oracle.withdraw(owner, juels);
    }

    function askOne(uint256 who) external {
        address consumer = consumerAt(who);
        if (oracle.accountJuels(consumer) < oracle.quoteJuels(STATUS)) fund(consumer, 1e18);
        bytes32 requestId = askAs(consumer);
        requests.push(requestId);
        _asked[requestId] = _current;
    }

    function answerOne(uint256 which, uint256 who, uint256 word) external {
        if (requests.length == 0) return;
        bytes32 requestId = requests[which % requests.length];
        uint256[] storage asked = _asked[requestId];
        uint256 place = who % asked.length;
        if ((oracle.requestOf(requestId).answered >> place) & 1 == 1) return;
        word %= WORDS;
        _givers[requestId][word] |= 1 << place;
        if (asked[place] == 6) HostileOperator(oracles[6]).fulfil(requestId, abi.encode(word));
        else assertTrue(answer(asked[place], requestId, abi.encode(word)), "taken");
    }

    function expireOne(uint256 which) external {
        if (requests.length == 0) return;
        bytes32 requestId = requests[which % requests.length];
        if (oracle.requestOf(requestId).answered == (1 << _asked[requestId].length) - 1) return;
        uint256 expiresAt = oracle.requestOf(requestId).askedAt + 300;
        if (block.timestamp < expiresAt) vm.warp(expiresAt);
        oracle.expire(requestId);
    }

    /// @dev A new set of 4 to 7 operators, beginning anywhere.
    function changeSet(uint256 first, uint256 size) public {
        size = 4 + (size % 4);
        address[] memory set = new address[](size);
        delete _current;
        for (uint256 i = 0; i < size; ++i) {
            uint256 number = ((first % 7) + i) % 7;
            set[i] = accounts[number];
            _current.push(number);
        }
        oracle.setOperatorSet(set, size == 7 ? 2 : 1);
    }

    /// @dev LINK in the ledger less LINK in accounts: nothing is left over and nothing is missing.
    function surplusJuels() external view returns (int256) {
        uint256 owed = oracle.accountJuels(asker);
        for (uint256 i = 0; i < consumers.length; ++i) owed += oracle.accountJuels(address(consumers[i]));
        return int256(link.balanceOf(address(oracle))) - int256(owed);
    }

    /// @dev Of every request: told exactly if over, agreed exactly if more than f gave one word.
    function checkRequests() external view {
        uint256 over = 0;
        for (uint256 i = 0; i < requests.length; ++i) {
            bytes32 requestId = requests[i];
            uint256 outcome = outcomeOf(requestId);
            if (outcome != 0) ++over;
            uint256 faults = _asked[requestId].length == 7 ? 2 : 1;
            uint256 agreeing = 0;
            for (uint256 word = 0; word < WORDS; ++word) {
                if (countOf(_givers[requestId][word]) > faults) ++agreeing;
            }
            bool isAgreed = outcome == uint256(IOracleConsumer.Outcome.Agreed);
            if (isAgreed) assertTrue(agreeing > 0, "agreed by more than f");
            else assertEq(agreeing, 0, "not agreed though more than f agree");
        }
        uint256 told = 0;
        for (uint256 i = 0; i < consumers.length; ++i) told += consumers[i].told();
        assertEq(told, over, "each consumer told once");
    }

    function consumerAt(uint256 who) private view returns (address) {
        return address(consumers[who % consumers.length]);
    }

    function countOf(uint256 bits) private pure returns (uint256 count) {
        for (; bits != 0; bits >>= 1) count += bits & 1;
    }
}
