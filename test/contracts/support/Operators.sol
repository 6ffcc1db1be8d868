// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LinkTokenInterface} from "@chainlink/contracts/src/v0.8/shared/interfaces/LinkTokenInterface.sol";
import {IOracleDEVSEN} from "../../../contracts/interfaces/IOracleDEVSEN.sol";

/// @dev Stands in an operator set where a Chainlink `Operator` should, and behaves as told.
contract HostileOperator {
    enum Way {
        Idle,
        Revert,
        BurnGas,
        ReturnBomb,
        Reenter,
        Donate
    }

    IOracleDEVSEN private immutable _oracle;
    LinkTokenInterface private immutable _link;
    /// @dev What it does when LINK comes with a request, and when a request is cancelled.
    Way public onRequest;
    Way public onCancel;
    uint256 public reentered;
    bytes32 private _requestId;

    constructor(IOracleDEVSEN oracle, Way onRequest_, Way onCancel_) {
        _oracle = oracle;
        _link = LinkTokenInterface(oracle.link());
        (onRequest, onCancel) = (onRequest_, onCancel_);
    }

    function onTokenTransfer(address, uint256, bytes calldata) external {
        _behave(onRequest);
    }

    function cancelOracleRequest(bytes32 requestId, uint256, bytes4, uint256) external {
        _requestId = requestId;
        _behave(onCancel);
    }

    function fulfil(bytes32 requestId, bytes calldata answer) external {
        _oracle.fulfil(requestId, answer);
    }

    function _behave(Way way) private {
        if (way == Way.Revert) revert("no");
        if (way == Way.BurnGas) while (true) {}
        if (way == Way.ReturnBomb) _bomb();
        if (way == Way.Donate) _link.transfer(address(_oracle), _link.balanceOf(address(this)));
        if (way == Way.Reenter) _reenter();
    }

    function _reenter() private {
        uint256 juels = _link.balanceOf(address(this));
        bytes memory toOwnAccount = abi.encode(address(this));
        bytes memory deposit = abi.encodeCall(
            LinkTokenInterface.transferAndCall,
            (address(_oracle), juels, toOwnAccount)
        );
        _count(address(_link), deposit);
        _count(address(_oracle), abi.encodeCall(IOracleDEVSEN.expire, (_requestId)));
        _count(address(_oracle), abi.encodeCall(IOracleDEVSEN.fulfil, (_requestId, "lie")));
        _count(address(_oracle), abi.encodeCall(IOracleDEVSEN.withdraw, (address(this), 0)));
    }

    function _count(address target, bytes memory data) private {
        (bool success, ) = target.call(data);
        if (success) ++reentered;
    }

    function _bomb() private pure {
        assembly {
            return(0, 100000)
        }
    }
}
