<% Thread.sleep(1000); %>ok <%= request.getParameter("id") %>
