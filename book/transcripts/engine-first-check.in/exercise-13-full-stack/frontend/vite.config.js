import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // While one works on the page, the API is another program's.
  server: { proxy: { "/api": "http://localhost:3000" } },
});
