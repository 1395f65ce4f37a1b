--[[ restore_uncertain: messages that a backup shows as queued may have been sent since it was taken. They become unsure.

One step a batch, because a message that is unsure must stand in its lane, and the lane where it belongs. A message of `later` that
is due by now joins its lane, for it may have been sent as well; one that is not due yet stays as it is. One that was leased or
unsure already keeps the sends that its record has not counted; of the others one send is supposed, so that the next attempt has
a number of its own. Running it twice changes nothing but the time.

KEYS  1 facts (stream)  2-12 q, later, lane, ready 0-3, due 0-3  then m:M of each member
ARGV  1 offset (ms)  2 how long evidence is waited for (ms)  3.. members
RETURNS per member: unsure | later (not due yet) | gone
--]]
-- include base
-- include lane
-- include message
local now = now_of(KEYS[1], tonumber(ARGV[1]))
local till = now + tonumber(ARGV[2])
local set = lane_set(2)
local answers = {}
for k = 3, #ARGV do
  local member = ARGV[k]
  local mid, a = message_of(member), string.sub(member, 1, 16)
  local header = message_read(KEYS[10 + k])
  local due = redis.call('ZSCORE', set.later, member)
  if not header or not (due or redis.call('ZSCORE', set.q, member)) then
    answers[#answers + 1] = 'gone'
  elseif due and tonumber(due) > now then
    answers[#answers + 1] = 'later'
  else
    local lane = lane_load(set.lane, a)
    local sends, new = 1, true
    if lane.out == mid then
      sends, lane.out = lane.att, ''
    else
      local known = unsure_take(lane, mid)
      if known then sends, new = known.att, false end
    end
    if due then
      redis.call('ZREM', set.later, member)
      redis.call('ZADD', set.q, 0, member)
    end
    unsure_put(lane, mid, sends, prio_of(member), now, till)
    place(set, a, lane, now, 0)
    if new then
      fact(KEYS[1], now, 'uncertain', message_ids(header, mid),
        'attempt=' .. text(tonumber(header[ATTEMPT]) + sends) .. ' why=restore')
    end
    answers[#answers + 1] = 'unsure'
  end
end
return answers
