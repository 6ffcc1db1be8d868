// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOracleDEVSEN} from "./interfaces/IOracleDEVSEN.sol";
import {IUserDEVSEN} from "./interfaces/IUserDEVSEN.sol";
import {AddressList} from "./libraries/AddressList.sol";

/// @title The sets of operators, and each operator's record
/// @dev A set never changes once made: a request names its set and stays with it.
abstract contract OperatorSets is IOracleDEVSEN {
    struct OperatorSet {
        address list;
        uint8 size;
        uint8 faults;
    }

    /// @dev One slot, so that an operator's answer finds all it needs of its set in one read.
    struct Member {
        address list;
        uint8 size;
        uint8 faults;
        uint8 number;
    }

    /// @dev `isKept` is set with the operator's first set: so the slot is never empty when an answer writes to it, and no
    /// delivery pays for new storage out of the gas that Chainlink's `Operator` leaves for it.
    struct Record {
        uint64 agreed;
        uint64 disagreed;
        uint64 missed;
        bool isKept;
    }

    /// @inheritdoc IOracleDEVSEN
    uint256 public constant MAX_OPERATORS = 22;

    mapping(uint256 setId => OperatorSet) private _sets;
    mapping(uint256 setId => mapping(address oracle => Member)) private _members;
    mapping(address oracle => Record) private _records;

    /// @inheritdoc IOracleDEVSEN
    function operatorSet(uint32 setId) external view returns (address[] memory oracles, uint8 faults) {
        OperatorSet memory set = _sets[setId];
        if (set.size != 0) oracles = AddressList.read(set.list);
        faults = set.faults;
    }

    /// @inheritdoc IOracleDEVSEN
    function operatorRecord(address oracle) external view returns (uint64 agreed, uint64 disagreed, uint64 missed) {
        Record memory record = _records[oracle];
        return (record.agreed, record.disagreed, record.missed);
    }

    /// @dev Stores a new set. Reverts: BadOperatorSet, NotAnOperator, OperatorTwice.
    /// @return oracles The `Operator` contracts of the accounts.
    function _makeOperatorSet(
        uint256 setId,
        IUserDEVSEN users_,
        address[] calldata accounts,
        uint8 faults
    ) internal returns (address[] memory oracles) {
        uint256 size = accounts.length;
        if (size > MAX_OPERATORS || faults == 0 || size < 3 * uint256(faults) + 1) revert BadOperatorSet(size, faults);

        oracles = new address[](size);
        for (uint256 i = 0; i < size; ++i) {
            IUserDEVSEN.OperatorView memory operator = users_.operatorOf(accounts[i]);
            if (!operator.active) revert NotAnOperator(accounts[i]);
            oracles[i] = operator.oracle;
        }
        address list = AddressList.store(oracles);
        for (uint256 i = 0; i < size; ++i) {
            Member storage member = _members[setId][oracles[i]];
            if (member.size != 0) revert OperatorTwice(accounts[i]);
            _members[setId][oracles[i]] = Member(list, uint8(size), faults, uint8(i));
            _records[oracles[i]].isKept = true;
        }
        _sets[setId] = OperatorSet(list, uint8(size), faults);
    }

    function _setOf(uint256 setId) internal view returns (OperatorSet memory) {
        return _sets[setId];
    }

    /// @dev `size` is 0 if `oracle` is not in the set.
    function _memberOf(uint256 setId, address oracle) internal view returns (Member memory) {
        return _members[setId][oracle];
    }

    function _recordAnswer(address oracle, bool isAgreed) internal {
        if (isAgreed) ++_records[oracle].agreed;
        else ++_records[oracle].disagreed;
    }

    function _recordMissed(address oracle) internal {
        ++_records[oracle].missed;
    }
}
