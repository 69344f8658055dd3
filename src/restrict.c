#include "restrict.h"

#include "compat.h"

#define RULES_MAX 16U

typedef struct rules {
  struct io_uring_restriction list[RULES_MAX];
  unsigned count;
} rules_t;

static void
allow_op(rules_t *rules, uint8_t op)
{
  rules->list[rules->count++] = (struct io_uring_restriction){.opcode = IORING_RESTRICTION_SQE_OP,
                                                              .sqe_op = op};
}

static void
allow_call(rules_t *rules, uint8_t call)
{
  rules->list[rules->count++] = (struct io_uring_restriction){
      .opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = call};
}

static void
allow_flags(rules_t *rules, uint8_t flags)
{
  rules->list[rules->count++] = (struct io_uring_restriction){
      .opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = flags};
}

int
sea__restrict(sea_ring_t *ring, const sea_needs_t *needs)
{
  rules_t rules = {0};
  allow_op(&rules, IORING_OP_ACCEPT);
  allow_op(&rules, IORING_OP_POLL_ADD); /* listeners; ends that receives miss */
  allow_op(&rules, IORING_OP_RECV);
  allow_op(&rules, IORING_OP_SEND);
  allow_op(&rules, IORING_OP_SENDMSG);
  allow_op(&rules, IORING_OP_ASYNC_CANCEL);
  if (needs->wake_read) {
    allow_op(&rules, IORING_OP_READ);
  }
  if (needs->zero_copy) {
    allow_op(&rules, IORING_OP_SEND_ZC);
  }
  if (needs->zero_copy_gathered) {
    allow_op(&rules, IORING_OP_SENDMSG_ZC);
  }
  if (needs->zcrx) {
    allow_op(&rules, SEA_IORING_OP_RECV_ZC);
  }
  if (needs->zcrx_flush) {
    allow_call(&rules, SEA_IORING_REGISTER_ZCRX_CTRL);
  }
  allow_flags(&rules, IOSQE_BUFFER_SELECT);
  /* What is registered is registered by now. */
  allow_call(&rules, IORING_UNREGISTER_PBUF_RING);
  allow_call(&rules, IORING_UNREGISTER_RING_FDS);
  if (needs->eventfd) {
    allow_call(&rules, IORING_REGISTER_EVENTFD);
  }
  return io_uring_register_restrictions(&ring->uring, rules.list, rules.count);
}
