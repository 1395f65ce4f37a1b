#!lua flags=allow-oom
--[[ slow_down: the channel said too fast. The sender's share of its own rate is halved, down to a floor, and rises again.

Once a second at most: what was out together is refused together, and says so once. The refusals of one burst must not bring the
sender down to the floor. Runs when memory is full: the channel's word counts at all times.

KEYS  1 {s:S}b (hash)
ARGV  1 offset (ms)  2 factor  3 floor (share)  4 how long it stays there before it rises (ms)  5 how often at most (ms)
RETURNS the share now, in thousandths
--]]
-- include bucket
local now = bucket_now(tonumber(ARGV[1]))
local state = redis.call('HMGET', KEYS[1], 'rate', 'slow', 'cut')
local share = share_at(tonumber(state[1] or '1'), tonumber(state[2] or '0'), now)
local cut = tonumber(state[3] or '0')
if now - cut >= tonumber(ARGV[5]) or cut > now then
  share = math.max(tonumber(ARGV[3]), share * tonumber(ARGV[2]))
  local slow = now + tonumber(ARGV[4]) + (1 - share) / UP
  redis.call('HSET', KEYS[1], 'rate', string.format('%.4f', share), 'slow', string.format('%.0f', slow),
    'cut', string.format('%.0f', now))
  redis.call('PEXPIRE', KEYS[1], 86400000)
end
return math.floor(share * 1000 + 0.5)
