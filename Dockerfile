# One image for every part: the OCPP gateway unless another command is given (docker-compose.yml gives them all).
FROM node:24-slim AS build
WORKDIR /devsen
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY hardhat.config.ts ./
COPY contracts contracts
COPY bench/contracts bench/contracts
RUN npx hardhat build --no-tests
# The image's Node runs everything, so the one from npm stays behind with the tools.
RUN npm prune --omit=dev && rm -rf node_modules/node-linux-* node_modules/.bin/node

FROM node:24-slim
ENV NODE_ENV=production NODE_OPTIONS=--disable-warning=ExperimentalWarning
WORKDIR /devsen
COPY --from=build /devsen/node_modules node_modules
COPY --from=build /devsen/artifacts artifacts
COPY package.json hardhat.config.ts ./
COPY core core
COPY runtime runtime
COPY ocpp-gateway ocpp-gateway
COPY adapter adapter
COPY jobs jobs
COPY simulator simulator
COPY network network
# A new volume takes its owner from the folder it covers.
RUN install -d -o node -g node /network /network/gateway /network/chargers \
    /network/operator-1 /network/operator-2 /network/operator-3 /network/operator-4 \
    /network/chainlink /network/shared
USER node
EXPOSE 9220
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=6 \
    CMD ["node", "network/check-health.ts", "http://127.0.0.1:9221/health"]
CMD ["node", "ocpp-gateway/main.ts"]
