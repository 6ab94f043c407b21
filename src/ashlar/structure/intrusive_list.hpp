// SPDX-License-Identifier: MIT
// A doubly linked list whose links lie in the elements: never allocates, O(1) everywhere.
//
// An element has two members `next` and `prev`. It is in at most one list at a time.
// Threads: thread-compatible (the caller locks).
#pragma once

namespace ashlar {

template <class T>
class intrusive_list {
 public:
  T* front() const { return front_; }
  T* back() const { return back_; }
  bool empty() const { return front_ == nullptr; }

  void push_front(T& element) {
    element.prev = nullptr;
    element.next = front_;
    if (front_ != nullptr)
      front_->prev = &element;
    else
      back_ = &element;
    front_ = &element;
  }

  void push_back(T& element) {
    element.next = nullptr;
    element.prev = back_;
    if (back_ != nullptr)
      back_->next = &element;
    else
      front_ = &element;
    back_ = &element;
  }

  void remove(T& element) {
    if (element.prev != nullptr)
      element.prev->next = element.next;
    else
      front_ = element.next;
    if (element.next != nullptr)
      element.next->prev = element.prev;
    else
      back_ = element.prev;
    element.next = element.prev = nullptr;
  }

  T* pop_front() {
    T* const element = front_;
    if (element != nullptr) remove(*element);
    return element;
  }

 private:
  T* front_ = nullptr;
  T* back_ = nullptr;
};

}  // namespace ashlar
